import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { beforeAll, describe, expect, it } from 'vitest'
import type { AnalysedStatement, AnalyseSql } from '../../workers/contract/sql.ts'
import { loadAnalyser } from '../../workers/protocols/clickhouse/statement.ts'

/** What a real ClickHouse made of each statement; written by clickhouse_golden.py. */
interface Golden {
  readonly version: string
  readonly statements: Readonly<Record<string, Tree>>
}
interface Tree {
  readonly accepted: boolean
  readonly root?: string
  readonly tables?: readonly string[]
  readonly functions?: readonly string[]
}
interface Sneaky {
  readonly sql: string
  readonly see: Readonly<Record<string, readonly string[] | boolean>>
}

const read = (name: string): string => readFileSync(new URL(name, import.meta.url), 'utf8')
const golden = JSON.parse(read('clickhouse-golden.json')) as Golden
const honest = read('clickhouse-honest.sql').split('\n').filter(Boolean)
const sneaky = read('clickhouse-sneaky.jsonl')
  .split('\n')
  .filter(Boolean)
  .map((line) => JSON.parse(line) as Sneaky)

/** Functions the server writes for operators and keywords, which nobody calls by name. */
const SUGAR =
  /^(and|or|not|plus|minus|multiply|divide|modulo|intdiv|equals|notequals|less|greater|(less|greater)orequals|i?like|noti?like|(global)?(not)?in|tuple|array|arrayelement|tupleelement|lambda|is(not)?null|is(not)?distinctfrom|concat|negate|if|case(with|without)expression|multiif|exists|map|cast|match|singlevalueornull|max|tointerval\w+|todate|todatetime|totimezone|toyear|todayofmonth|trim(both|left)|countdistinct|sumif|datediff|defaultvalueoftypename|sqlstandardvalues|codec|zstd|delta|lz4hc|minmax|tokenbf_v1|set|memory|atomic|\w*mergetree)$/

let analyse: AnalyseSql
beforeAll(async () => {
  analyse = await loadAnalyser()
})

const pathsOf = (all: readonly AnalysedStatement[]): Set<string> =>
  new Set(all.flatMap((one) => one.unknowns.map((unknown) => unknown.path.replace('sql.', ''))))

describe('honest ClickHouse statements', () => {
  it('are all accepted by the server that made the golden file', () => {
    const refused = honest.filter((sql) => golden.statements[sql]?.accepted !== true && !sql.includes('{a:UInt8}'))
    expect(refused).toEqual([])
    expect(honest.length).toBeGreaterThanOrEqual(200)
  })

  it('have no unknown fact', () => {
    expect(honest.filter((sql) => analyse(sql).length !== 1 || pathsOf(analyse(sql)).size > 0)).toEqual([])
  })

  it('show every table and function of the syntax tree of the server', () => {
    const missed = honest.flatMap((sql) => missing(sql, golden.statements[sql], analyse(sql)))
    expect(missed).toEqual([])
  })

  it('show no table that a SELECT does not name', () => {
    const plain = honest.filter((sql) => /^(\(?SELECT|WITH|FROM)/.test(sql) && !/\(|\bIN\b|\{/.test(sql))
    const differing = plain.filter((sql) => {
      const tables = new Set(golden.statements[sql]?.tables)
      return analyse(sql).some((one) => one.facts.tables.some((table) => !tables.has(table)))
    })
    expect(differing).toEqual([])
    expect(plain.length).toBeGreaterThan(40)
  })
})

describe('sneaky ClickHouse statements', () => {
  it('are never judged smaller than they are', () => {
    expect(sneaky.flatMap(({ sql, see }) => smaller(sql, see, analyse(sql)))).toEqual([])
    expect(sneaky.length).toBeGreaterThanOrEqual(150)
  })

  it('show every table and function of the syntax tree of the server, or say that they cannot', () => {
    expect(sneaky.flatMap(({ sql }) => missing(sql, golden.statements[sql], analyse(sql)))).toEqual([])
  })
})

describe('a ClickHouse on this machine', () => {
  it('shows the same trees as the golden file; without one the golden file stands for it', () => {
    const installed = liveTree('SELECT 1') !== null
    const trees = honest
      .filter((sql) => sql.startsWith('SELECT') && golden.statements[sql]?.accepted)
      .slice(0, 10)
      .map((sql) => [sql, (installed ? liveTree(sql) : golden.statements[sql]) ?? undefined] as const)
    expect(trees.flatMap(([sql, tree]) => missing(sql, tree, analyse(sql)))).toEqual([])
    expect(trees).toHaveLength(10)
  })
})

function missing(sql: string, tree: Tree | undefined, all: readonly AnalysedStatement[]): string[] {
  if (!tree?.accepted) return []
  const unknown = pathsOf(all)
  // The tree writes a quoted name with a dot like a qualified one.
  const tables = new Set(all.flatMap((one) => one.facts.tables).map((name) => name.replaceAll('`', '')))
  const functions = new Set(all.flatMap((one) => one.facts.functions))
  return [
    ...(unknown.has('tables') ? [] : (tree.tables ?? []).filter((name) => !tables.has(name))),
    ...(unknown.has('functions')
      ? []
      : (tree.functions ?? []).filter((name) => !functions.has(name) && !SUGAR.test(name))),
  ].map((name) => `${sql}: ${name}`)
}

function smaller(sql: string, see: Sneaky['see'], all: readonly AnalysedStatement[]): string[] {
  const unknown = pathsOf(all)
  return Object.entries(see).flatMap(([path, wanted]) => {
    if (path === 'unknown')
      return (wanted as readonly string[])
        .filter((name) => !unknown.has(name))
        .map((name) => `${sql}: ${name} is taken for known`)
    if (unknown.has(path)) return []
    const values = all.map((one) => one.facts[path as 'tables' | 'is_write'])
    if (wanted === true) return values.includes(true) ? [] : [`${sql}: ${path}`]
    const seen = new Set(values.flat())
    return (wanted as readonly string[])
      .filter((name) => !seen.has(name))
      .map((name) => `${sql}: ${path} without ${name}`)
  })
}

/** The tree a `clickhouse` in PATH gives; null without one. */
function liveTree(sql: string): Tree | null {
  const run = spawnSync('clickhouse', ['local', '--query', `EXPLAIN AST ${sql}`], { encoding: 'utf8', timeout: 10_000 })
  if (run.status !== 0) return null
  const names = (pattern: RegExp): string[] =>
    [...run.stdout.matchAll(pattern)].map((found) => (found[1] ?? '').toLowerCase())
  return {
    accepted: true,
    tables: [...new Set(names(/TableIdentifier (\S+)/g))].sort(),
    functions: names(/ Function (\S+)/g),
  }
}
