import type { Unknown } from '../../contract/action.ts'
import type { DescribedAction, DescribedSql } from '../../contract/described.ts'
import { ClawError } from '../../contract/errors.ts'
import type { OfflineSeen } from '../../contract/offline.ts'
import type { AnalysedStatement, AnalyseSql, StatementFacts } from '../../contract/sql.ts'
import { SearchPath } from './search-path.ts'
import { unseenStatement } from './unseen-statement.ts'

/** Longest text that live traffic is judged by, bytes. */
const longestText = 1024 * 1024
/** Longest title, characters. */
const longestTitle = 1024

/**
 * Takes a described SQL text apart as live traffic is: one entry per statement.
 * @param takesParams whether a text may have bind parameters: where they are not given they are unknown
 * @throws ClawError CP_CONFIG when what is said of the first statement is not what its text says
 */
export function describedStatements(
  { sql, truncated = false, unparseable = false }: DescribedAction,
  analyse: AnalyseSql,
  takesParams: (text: string) => boolean,
): readonly Omit<OfflineSeen, 'credential'>[] {
  if (sql === undefined) throw new ClawError('CP_CONFIG', 'Cannot judge the action: the endpoint takes sql')
  if (truncated || Buffer.byteLength(sql.statement) > longestText)
    return [seenOf(unseen(sql, 'truncated'), sql, 'truncated')]
  const hidden = takesParams(sql.statement) ? 'undecodable' : null
  if (unparseable) return [seenOf(filledIn(unseen(sql, 'unparsed'), sql), sql, hidden)]
  const [first, ...rest] = analyse(sql.statement)
  if (first === undefined) throw new ClawError('CP_CONFIG', 'sql.statement holds no statement')
  const path = new SearchPath()
  if (sql.search_path !== undefined) path.put(sql.search_path)
  return [filledIn(first, sql), ...rest].map((statement) => {
    const resolved = path.resolve(statement)
    path.sent(statement)
    return seenOf(resolved, sql, hidden)
  })
}

/** @param hidden why parameters that are not given are unknown; null: there are none */
function seenOf(
  { facts, unknowns }: AnalysedStatement,
  { database = '', params, settings, prepare = false }: DescribedSql,
  hidden: Unknown['because'] | null,
): Omit<OfflineSeen, 'credential'> {
  const isHidden = params === undefined && !prepare && hidden !== null
  return {
    title: facts.statement.replace(/\s+/g, ' ').trim().slice(0, longestTitle),
    facts: { sql: { ...facts, database, params: params ?? {}, settings: { ...settings, ...facts.settings } } },
    unknowns: isHidden ? [...unknowns, { path: 'sql.params', because: hidden }] : unknowns,
    ...(prepare ? { pending: ['sql.params'] } : {}),
  }
}

/** A statement of which only the text is known; of a truncated one not even that. */
function unseen({ statement }: DescribedSql, because: 'truncated' | 'unparsed'): AnalysedStatement {
  return unseenStatement({ statement }, because === 'truncated' ? [] : ['statement', 'statement_count'], because)
}

type Given = 'verb' | 'tables' | 'functions'

/** What is given must agree with what was seen; where nothing was seen it stands for it. */
function filledIn(statement: AnalysedStatement, sql: DescribedSql): AnalysedStatement {
  const given = (['verb', 'tables', 'functions'] as const).filter((name) => sql[name] !== undefined)
  const open = given.filter((name) => statement.unknowns.some(({ path }) => path === `sql.${name}`))
  for (const name of given) if (!open.includes(name)) checkAgreement(statement.facts, sql, name)
  return open.length === 0 ? statement : { facts: givenFacts(statement.facts, sql), unknowns: [] }
}

function checkAgreement(facts: StatementFacts, sql: DescribedSql, name: Given): void {
  const [seen, said] = [comparable(facts[name]), comparable(sql[name] ?? '')]
  const isSame = name === 'tables' ? seen === said : seen.toLowerCase() === said.toLowerCase()
  if (isSame) return
  throw new ClawError(
    'CP_CONFIG',
    `sql.${name}: given is ${shown(sql[name] ?? '')}, the statement says ${shown(facts[name])}`,
  )
}

function comparable(value: string | readonly string[]): string {
  return typeof value === 'string' ? value : JSON.stringify([...new Set(value)].sort())
}

function shown(value: string | readonly string[]): string {
  return JSON.stringify(value)
}

/** Statements that change nothing by themselves. */
const reading: ReadonlySet<string> = new Set([
  'select',
  'show',
  'explain',
  'describe',
  'begin',
  'commit',
  'rollback',
  'use',
])

/** Statements that take a WHERE: of one nobody can read it is not known to be there. */
const mayLackWhere: ReadonlySet<string> = new Set(['update', 'delete', 'merge', 'alter'])

/** The facts of a statement nobody can read, on the word of whoever described it. */
function givenFacts(facts: StatementFacts, { verb, tables, functions }: DescribedSql): StatementFacts {
  const known = verb?.toLowerCase() ?? facts.verb
  const named = tables ?? facts.tables
  const isWrite = !reading.has(known)
  return {
    ...facts,
    verb: known,
    verbs: known === '' ? [] : [known],
    tables: [...named].sort(),
    functions: [...(functions ?? facts.functions)].map((name) => name.toLowerCase()).sort(),
    target_tables: isWrite ? [...named].sort() : [],
    is_write: isWrite,
    is_unqualified: mayLackWhere.has(known),
  }
}
