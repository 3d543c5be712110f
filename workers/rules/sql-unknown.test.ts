import { describe, expect, it } from 'vitest'
import type { Unknown } from '../contract/action.ts'
import { sql } from '../contract/families/sql.ts'
import type { Verdict } from '../contract/verdict.ts'
import { compileRules } from './compile.ts'
import { judge } from './judge.ts'
import { aContext, aRule } from './request.fixture.ts'

/** What a parser that refused the text, or bytes beyond the buffer, leave unknown. */
const unknownFacts = {
  unparsed: ['verb', 'verbs', 'tables', 'target_tables', 'columns', 'functions', 'is_write', 'uses_program'],
  truncated: ['verb', 'verbs', 'tables', 'target_tables', 'columns', 'functions', 'is_write', 'statement'],
} as const

function verdictOf(condition: string | null, because: keyof typeof unknownFacts, database: string): Verdict {
  const unknowns = unknownFacts[because].map((fact): Unknown => ({ path: `sql.${fact}`, because }))
  const facts = { sql: { statement: 'select x from', database, statement_count: 1 } }
  const action = { facts, unknowns, credential: null, context: aContext() }
  return judge(compileRules([aRule('r', condition)], [sql], 'allow'), action).verdict
}

const matches = { kind: 'allow', decider: { by: 'rule', rule: 'r' } }
const unevaluable = { kind: 'deny', decider: { by: 'failsafe', cause: 'unevaluable', rule: 'r' } }
/** No rule matched: what is not understood needs one that allows it. */
const backstop = { kind: 'deny', decider: { by: 'failsafe', cause: 'unevaluable', rule: null } }

describe('a rule on SQL that could not be understood', () => {
  it.each([
    ["sql.verb == 'select' && sql.database == 'p'", 'q', backstop],
    ["sql.database == 'p' && sql.verb == 'select'", 'q', backstop],
    ["sql.verb == 'select' && sql.database == 'p'", 'p', unevaluable],
    ["sql.verb == 'select' || sql.database == 'p'", 'p', matches],
    ["sql.database == 'p' || sql.verb == 'select'", 'p', matches],
    ["sql.verb == 'select' || sql.database == 'p'", 'q', unevaluable],
    ["sql.statement.contains('select')", 'p', matches],
    ["sql.statement.contains('drop')", 'p', backstop],
    ["sql.tables.exists(t, t == 'x')", 'p', unevaluable],
    ["!('x' in sql.tables)", 'p', unevaluable],
    ["sets.intersects(sql.tables, ['x'])", 'p', unevaluable],
    ['sql.functions.size() == 0', 'p', unevaluable],
    ['sql.is_write', 'p', unevaluable],
    ["sql.database == 'p' ? true : sql.is_write", 'p', matches],
    ["sql.is_write ? true : sql.database == 'p'", 'p', unevaluable],
    ["sql.database == 'q' ? sql.is_write : false", 'p', backstop],
    [null, 'p', matches],
  ] as const)('unparsed: %s in database %s', (condition, database, expected) => {
    expect(verdictOf(condition, 'unparsed', database)).toMatchObject(expected)
  })

  it.each([
    ["sql.statement.contains('x')", 'p', unevaluable],
    ["sql.statement.matches('(?i)drop')", 'p', unevaluable],
    ["sql.verb == 'select' && sql.database == 'p'", 'q', backstop],
    ["sql.verb == 'select' || sql.database == 'p'", 'p', matches],
    ["'x' in sql.tables", 'p', unevaluable],
    [null, 'p', matches],
  ] as const)('truncated: %s in database %s', (condition, database, expected) => {
    expect(verdictOf(condition, 'truncated', database)).toMatchObject(expected)
  })

  it('is told with the cause', () => {
    expect(verdictOf("sql.verb == 'a'", 'unparsed', 'p')).toMatchObject({
      reason: 'rule "r" could not be evaluated against this request (unparseable); failing closed',
    })
    expect(verdictOf("sql.database == 'a'", 'unparsed', 'p')).toMatchObject({
      reason: 'request bytes were unparseable and no rule explicitly allowed the request; failing closed',
    })
    expect(verdictOf("sql.database == 'a'", 'truncated', 'p')).toMatchObject({
      reason:
        'request bytes were truncated at the inspection buffer and no rule explicitly allowed the request; failing closed',
    })
  })
})
