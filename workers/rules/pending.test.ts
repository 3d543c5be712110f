import { describe, expect, it } from 'vitest'
import { sql } from '../contract/families/sql.ts'
import type { Rule } from '../contract/profile.ts'
import { compileRules } from './compile.ts'
import { explain } from './explain.ts'
import { type Judgeable, judge } from './judge.ts'
import { rateKey } from './rates.ts'
import { aContext, aRule } from './request.fixture.ts'

const prepared: Judgeable = {
  facts: { sql: { verb: 'select', tables: ['t'], params: {} } },
  unknowns: [],
  pending: ['sql.params'],
  credential: null,
  context: aContext(),
}
const forPreparing = { kind: 'allow', decider: { by: 'default', setting: 'pending' } }
const reason = 'no'
const judged = (rules: readonly Rule[], action = prepared, unmatched: 'allow' | 'deny' = 'allow') =>
  judge(compileRules(rules, [sql], unmatched), action)

describe('judge() of a statement that is only prepared', () => {
  it.each([
    ['denies', aRule('r', "sql.params['1'] == '2'", { reason })],
    ['allows', aRule('r', "sql.params['1'] == '2'")],
    ['denies unless', aRule('r', "!(sql.params['1'] == '2')", { reason })],
    ['asks whether there is one', aRule('r', "'1' in sql.params", { reason })],
    ['looks at all of them', aRule('r', "sql.params.exists(k, sql.params[k] == 'x')", { reason })],
  ])('decides nothing by a rule that %s by a parameter', (_what, rule) => {
    expect(judged([rule, aRule('rest', null, { reason })], prepared, 'deny').verdict).toEqual(forPreparing)
  })

  it('decides by rules that say the same whatever the parameters are', () => {
    const params = aRule('params', "sql.params['1'] == '2'")
    const table = aRule('table', "'t' in sql.tables", { reason })
    expect(judged([table, params]).verdict).toMatchObject({ kind: 'deny', decider: { rule: 'table' } })
    const other = aRule('other', "sql.verb == 'delete' && sql.params['1'] == '2'", { reason })
    expect(judged([other]).verdict).toEqual({ kind: 'allow', decider: { by: 'default', setting: 'no_rule' } })
    expect(judged([other], prepared, 'deny').verdict).toMatchObject({ kind: 'deny', decider: { setting: 'unmatched' } })
    const either = aRule('either', "sql.verb == 'select' || sql.params['1'] == '2'", { reason })
    expect(judged([either]).verdict).toMatchObject({ kind: 'deny', decider: { rule: 'either' } })
  })

  it('says nothing of shadow rules that hang on a parameter', () => {
    const trial = aRule('trial', "sql.params['1'] == '2'", { reason, mode: 'shadow' })
    const whole = aRule('whole', null, { reason, mode: 'shadow' })
    const { verdict, shadows } = judged([trial, whole])
    expect(verdict).toMatchObject({ kind: 'allow', decider: { setting: 'no_rule' } })
    expect(shadows).toEqual([{ rule: 'whole', would: 'deny' }])
  })

  it('counts it for no counter', () => {
    const few = aRule('few', "rate('x', '1h') > 5", { reason })
    const params = aRule('params', "sql.params['1'] == '2'", { reason })
    const counter = { name: 'x', windowMs: 3_600_000, per: 'device' } as const
    // the first time no counter was read yet: it has to be
    expect(judged([few, params]).rated).toEqual([counter])
    const counts = new Map([[rateKey(counter), 1]])
    expect(judged([few, params], { ...prepared, counts })).toMatchObject({ verdict: forPreparing, rated: [] })
    const over = new Map([[rateKey(counter), 6]])
    expect(judged([few, params], { ...prepared, counts: over }).verdict).toMatchObject({ kind: 'deny' })
  })

  it('is explained', () => {
    const { rules, verdict } = explain(compileRules([aRule('r', "sql.params['1'] == '2'")], [sql], 'allow'), prepared)
    expect(verdict).toEqual(forPreparing)
    expect(rules[0]?.because).toContain('cannot be evaluated (not known before it runs)')
  })
})

describe('judge() of parameters nobody can read', () => {
  const unread: Judgeable = { ...prepared, pending: [], unknowns: [{ path: 'sql.params', because: 'undecodable' }] }

  it('denies where a rule reads them, and nowhere else', () => {
    expect(judged([aRule('r', "sql.params['1'] == '2'")], unread).verdict).toMatchObject({
      kind: 'deny',
      decider: { by: 'failsafe', rule: 'r' },
    })
    expect(judged([aRule('r', "sql.verb == 'delete'", { reason })], unread).verdict).toMatchObject({ kind: 'allow' })
  })
})

describe('judge() of rules with limits', () => {
  it('carries them on what it allows or asks', () => {
    const limits = { rows: 10 }
    const allowing: Rule = { ...aRule('r', null), outcome: { do: 'allow', limits } }
    expect(judged([allowing]).verdict).toMatchObject({ kind: 'allow', limits })
    const asking: Rule = { ...allowing, outcome: { do: 'ask', approvers: ['a' as never], reason: 'look', limits } }
    expect(judged([asking]).verdict).toMatchObject({ kind: 'ask', limits })
    expect(judged([aRule('r', null)]).verdict).not.toHaveProperty('limits')
  })
})
