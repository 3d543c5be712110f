import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import type { AnalysedStatement, AnalyseSql } from '../../contract/sql.ts'
import { loadAnalyser } from './statement.ts'

let analyse: AnalyseSql
beforeAll(async () => {
  analyse = await loadAnalyser()
})

const one = (sql: string): AnalysedStatement => {
  const [only, ...more] = analyse(sql)
  if (!only || more.length > 0) throw new Error(`not one statement: ${sql}`)
  return only
}

const unknownPaths = (statement: AnalysedStatement): readonly string[] => statement.unknowns.map(({ path }) => path)

const ALL = 'verb verbs tables target_tables columns functions is_write is_unqualified uses_program settings'
  .split(' ')
  .map((name) => `sql.${name}`)

describe('analyser of ClickHouse SQL', () => {
  it('tells everything about a query', () => {
    expect(one('SELECT u.name, count() FROM db.Users AS u WHERE u.id IN (SELECT id FROM b) FORMAT CSV')).toEqual({
      facts: {
        verb: 'select',
        verbs: ['select'],
        tables: ['b', 'db.users'],
        target_tables: [],
        columns: ['id', 'name'],
        functions: ['count'],
        statement: 'SELECT u.name, count() FROM db.Users AS u WHERE u.id IN (SELECT id FROM b) FORMAT CSV',
        is_write: false,
        is_unqualified: false,
        uses_program: false,
        statement_count: 1,
      },
      unknowns: [],
    })
  })

  it('tells what an INSERT … SELECT reads and writes', () => {
    expect(one("INSERT INTO t (a) SELECT x FROM url('https://example.com', CSV)").facts).toMatchObject({
      verb: 'insert',
      verbs: ['insert', 'select'],
      tables: ['t'],
      target_tables: ['t'],
      columns: ['a', 'x'],
      functions: ['url'],
      is_write: true,
    })
  })

  it.each([
    ['ATTACH TABLE t', 'create', ['attach', 'create']],
    ['DETACH TABLE t', 'drop', ['detach', 'drop']],
    ['EXPLAIN SELECT 1', 'explain', ['explain', 'select']],
    ['EXISTS t', 'exists', ['exists']],
    ['REVOKE SELECT ON t FROM u', 'revoke', ['revoke']],
    ["KILL QUERY WHERE query_id = 'x'", 'kill', ['kill']],
    ['WITH x AS (SELECT 1) INSERT INTO t SELECT * FROM x', 'insert', ['insert', 'select']],
    ['SET ROLE r', 'set role', ['set role']],
    ['DESC t', 'describe', ['describe']],
    ['START TRANSACTION', 'begin', ['begin']],
  ])('gives %s the verb of the reference', (sql, verb, verbs) => {
    expect(one(sql).facts).toMatchObject({ verb, verbs })
    expect(one(sql).unknowns).toEqual([])
  })

  it('knows nothing but the text of a statement it does not follow to the last token', () => {
    const { facts, unknowns } = one('SELECT a FROM t BLAH BLAH 3')
    expect(unknowns).toEqual(ALL.map((path) => ({ path, because: 'unparsed' })))
    expect(facts).toMatchObject({ verb: '', tables: [], statement: 'SELECT a FROM t BLAH BLAH 3', statement_count: 1 })
  })

  it('does not know how many statements a text has whose tokens are not clear', () => {
    expect(unknownPaths(one("SELECT 1; SELECT 'open".slice(10)))).toEqual([...ALL, 'sql.statement_count'])
  })

  it('tells the settings it gives, where their values are literals', () => {
    const text =
      "SELECT 1 SETTINGS Max_threads = 4, load_balancing = 'random', readonly = true, x = -1, log.a = 'it''s'"
    expect(one(text).facts.settings).toEqual({
      Max_threads: '4',
      load_balancing: 'random',
      readonly: '1',
      x: '-1',
      'log.a': "it's",
    })
    expect(one('SET a = 1, b').facts.settings).toEqual({ a: '1', b: '1' })
    expect(one('SELECT 1').facts.settings).toBe(undefined)
    for (const open of ['SET a = 1, a = 2', 'SELECT 1 SETTINGS a = DEFAULT', 'SET a = {p:String}', 'SET a = 1 + 1'])
      expect(unknownPaths(one(open))).toContain('sql.settings')
    expect(one("SET dialect = 'kusto'").facts.settings).toBe(undefined)
  })

  it('splits statements where the server does', () => {
    const parts = analyse("SELECT ';' /* ; */; -- ;\n DROP TABLE t;")
    expect(parts.map(({ facts }) => [facts.verb, facts.statement, facts.statement_count])).toEqual([
      ['select', "SELECT ';' /* ; */", 2],
      ['drop', 'DROP TABLE t', 2],
    ])
  })

  it('takes what follows FORMAT in an INSERT for data to the end of the text', () => {
    expect(one("INSERT INTO t FORMAT TSV\nit's; DROP TABLE x").unknowns).toEqual([])
    expect(one("INSERT INTO t FORMAT TSV\nit's; DROP TABLE x").facts.verbs).toEqual(['insert'])
  })

  it('knows nothing of what follows a change of dialect', () => {
    const parts = analyse("SET dialect = 'prql'; SELECT 1")
    expect(parts.every((part) => ALL.every((path) => unknownPaths(part).includes(path)))).toBe(true)
    expect(parts.at(-1)?.facts.statement).toContain('SELECT 1')
  })

  it('gives an empty list for a text without a statement', () => {
    expect(['', '  \n', ';;', '-- nothing'].map((text) => analyse(text))).toEqual([[], [], [], []])
  })

  it('takes the parameters of a lambda for no columns, a table of the same name for one', () => {
    expect(one('SELECT arrayMap(x -> x + y, z) FROM t').facts.columns).toEqual(['y', 'z'])
    expect(one('SELECT arrayMap(t -> t.ssn, z) FROM t').facts.columns).toEqual(['ssn', 'z'])
  })
})

describe('any text', () => {
  const words = fc.constantFrom(
    ...'SELECT FROM WITH AS INSERT INTO VALUES ( ) [ ] { } , ; . * -> :: ? : \'a\' `b` "c" $$ $x$ -- /* */ # \n t db.t x'.split(
      ' ',
    ),
    ...'INTERVAL CASE WHEN END EXCEPT UNION ALL CREATE TABLE VIEW ENGINE ORDER BY ALTER DROP GRANT ON TO SET SYSTEM SHOW'.split(
      ' ',
    ),
    ...'REFRESH POLICY USING SETTINGS FORMAT LIMIT OFFSET OVER DICTIONARY SOURCE BACKUP EXPLAIN NOT IN DATE 1 1.5 +'.split(
      ' ',
    ),
  )

  it('never makes it throw, and every statement is known or unknown throughout', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ maxLength: 60 }),
          fc.array(words, { maxLength: 25 }).map((list) => list.join(' ')),
        ),
        (text) => {
          for (const { facts, unknowns } of analyse(text)) {
            expect(facts.verb !== '' || unknowns.some(({ path }) => path === 'sql.verb')).toBe(true)
          }
        },
      ),
      { numRuns: 2000 },
    )
  })

  const quarter = 1 << 18
  it.each([
    ['many columns', `SELECT ${'abc, '.repeat(quarter / 5)}x FROM t`],
    ['many rows', `INSERT INTO t VALUES ${"(1, 'ab', [1]), ".repeat(quarter / 16)}(1, 'x', [])`],
    ['many statements', 'SELECT 1;'.repeat(quarter / 9)],
    ['many operators', `SELECT ${'1+'.repeat(quarter / 2)}1`],
    ['many brackets', `SELECT ${'('.repeat(quarter)}`],
    ['many minus signs', `SELECT ${'- '.repeat(quarter / 2)}1`],
    ['many intervals', `SELECT ${'INTERVAL '.repeat(quarter / 9)}`],
    ['broken intervals', `SELECT ${'INTERVAL ('.repeat(100)}${'a, '.repeat(quarter / 3)}`],
    ['many open heredocs', `SELECT ${'$a$'.repeat(quarter / 3 - 1)} $b`],
    ['many comments', `SELECT ${'/* */'.repeat(quarter / 5)} 1`],
    ['nested comments', `SELECT ${'/*'.repeat(quarter / 2)}`],
    ['many lambdas', `SELECT ${'f(x -> '.repeat(quarter / 7)}`],
    ['many unions', `SELECT 1 ${'UNION ALL SELECT 1 '.repeat(quarter / 19)}`],
    ['many joins', `SELECT 1 FROM t ${'JOIN u USING a '.repeat(quarter / 15)}`],
    ['broken statements', 'FOO;'.repeat(quarter / 4)],
    ['one quote', `SELECT '${'\\'.repeat(quarter)}`],
  ])('of 256 KiB is read in one pass or given up: %s', { timeout: 20_000 }, (_name, text) => {
    expect(analyse(text).length).toBeGreaterThan(0)
  })

  it.each([
    ['DELETE FROM t WHERE 1', true],
    ['DELETE FROM t WHERE true', true],
    ['DELETE FROM t WHERE (1 = 1)', true],
    ['DELETE FROM t WHERE id = id', true],
    ['DELETE FROM t WHERE a = 5 OR 1', true],
    ['DELETE FROM t WHERE (a = 5) OR (now() > 0)', true],
    ['ALTER TABLE t DELETE WHERE 1 = 1 AND 2 > 1', true],
    ['ALTER TABLE t UPDATE a = 1 WHERE true', true],
    ['ALTER TABLE t DELETE WHERE a = 1, DELETE WHERE 1', true],
    ['UPDATE t SET a = 1 WHERE 1', true],
    ['DELETE FROM t WHERE id = 5', false],
    ['DELETE FROM t WHERE id = 5 AND 1', false],
    ['DELETE FROM t WHERE id = 5 OR 0', false],
    ['DELETE FROM t WHERE `0`', false],
    ['DELETE FROM t WHERE id BETWEEN 1 AND 5', false],
    ['ALTER TABLE t UPDATE a = 1 WHERE b = 2', false],
    ['SELECT 1 WHERE 1', false],
    ['EXPLAIN DELETE FROM t WHERE 1', false],
  ])('tells whether %s spares no row', (sql, isUnqualified) => {
    const { facts, unknowns } = one(sql)
    expect([facts.is_unqualified, unknowns]).toEqual([isUnqualified, []])
  })
})
