import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import type { AnalyseSql, StatementFacts } from '../../contract/sql.ts'
import { loadAnalyser } from './statement.ts'

let analyse: AnalyseSql

beforeAll(async () => {
  analyse = await loadAnalyser()
})

const sets = [
  'verbs',
  'tables',
  'target_tables',
  'columns',
  'functions',
  'is_write',
  'is_unqualified',
  'uses_program',
] as const

/** The facts of a text of one statement, all of them known. */
function known(text: string): StatementFacts {
  const [statement, ...more] = analyse(text)
  expect(more).toEqual([])
  expect(statement?.unknowns).toEqual([])
  if (statement === undefined) throw new Error('no statement')
  return statement.facts
}

/** Names of the facts of each statement that are not known. */
function unknown(text: string): string[][] {
  return analyse(text).map(({ unknowns }) => unknowns.map(({ path }) => path.replace('sql.', '')).sort())
}

describe('analysing SQL', () => {
  it('sees every fact of a statement', () => {
    expect(known('SELECT Lower(o.Status), "Total" FROM sales.orders o JOIN "Customers" c USING (id)')).toEqual({
      verb: 'select',
      verbs: ['select'],
      tables: ['Customers', 'orders', 'sales.orders'],
      target_tables: [],
      columns: ['Total', 'id', 'status'],
      functions: ['lower'],
      statement: 'SELECT Lower(o.Status), "Total" FROM sales.orders o JOIN "Customers" c USING (id)',
      is_write: false,
      is_unqualified: false,
      uses_program: false,
      statement_count: 1,
    })
  })

  it('takes a text apart where the grammar ends its statements', () => {
    const texts = analyse(
      `select 'a;b'; select $x$;$x$ /* ; /* ; */ */; -- ;\n; select E'\\';' ; create rule r as on insert to t do (select 1; select 2)`,
    )
    expect(texts.map(({ facts }) => [facts.verb, facts.statement_count])).toEqual([
      ['select', 4],
      ['select', 4],
      ['select', 4],
      ['create', 4],
    ])
    expect(texts[2]?.facts.statement).toBe(`select E'\\';'`)
  })

  it('counts bytes and characters apart', () => {
    expect(analyse(`select 'é€😀'; delete from "tÜ"`).map(({ facts }) => facts.statement)).toEqual([
      `select 'é€😀'`,
      'delete from "tÜ"',
    ])
  })

  it.each(['', '  \n', '-- nothing', ';;', '/* */'])('finds no statement in %j', (text) => {
    expect(analyse(text)).toEqual([])
  })

  it.each([
    ['EXPLAIN ANALYZE DELETE FROM t', 'explain', ['delete', 'explain'], ['t'], true],
    ['EXPLAIN (ANALYZE off, ANALYZE) DELETE FROM t', 'explain', ['delete', 'explain'], ['t'], true],
    ['EXPLAIN (ANALYZE false) DELETE FROM t', 'explain', ['explain'], [], false],
    ['SELECT a INTO t FROM s UNION SELECT b FROM r', 'select', ['create', 'select'], ['t'], true],
    ['CREATE TABLE t AS SELECT * FROM s', 'create', ['create', 'select'], ['t'], true],
    ['CREATE MATERIALIZED VIEW t AS SELECT 1', 'create', ['create', 'select'], ['t'], true],
    [
      'WITH a AS (WITH b AS (DELETE FROM t RETURNING *) SELECT * FROM b) SELECT * FROM a',
      'select',
      ['delete', 'select'],
      ['t'],
      true,
    ],
    ['INSERT INTO t VALUES (1) ON CONFLICT (a) DO UPDATE SET b = 1', 'insert', ['insert', 'update'], ['t'], true],
    ['INSERT INTO t VALUES (1) ON CONFLICT DO NOTHING', 'insert', ['insert'], ['t'], true],
    [
      'MERGE INTO t USING s ON true WHEN MATCHED THEN DELETE WHEN NOT MATCHED THEN INSERT VALUES (1)',
      'merge',
      ['delete', 'insert', 'merge'],
      ['t'],
      true,
    ],
    ['REVOKE SELECT ON t FROM r', 'revoke', ['revoke'], ['t'], true],
    ['GRANT a TO b', 'grant', ['grant'], [], true],
    ['SET LOCAL ROLE x', 'set local role', ['set local role'], [], false],
    ['SET SESSION AUTHORIZATION x', 'set session authorization', ['set session authorization'], [], false],
    ["SELECT set_config('role', 'x', true)", 'select', ['select', 'set local role'], [], true],
    ['ALTER SYSTEM SET work_mem = 1', 'alter system', ['alter system'], [], true],
    ['PREPARE p AS DELETE FROM t', 'prepare', ['delete', 'prepare'], ['t'], true],
    ['DECLARE c CURSOR FOR SELECT * FROM t', 'declare', ['declare', 'select'], [], false],
    ['DO $$ BEGIN DELETE FROM t; COMMIT; END $$', 'do', ['commit', 'delete', 'do'], ['t'], true],
    [
      "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'DELETE FROM t; SELECT 1'",
      'create',
      ['create', 'delete', 'select'],
      ['t'],
      true,
    ],
    ['CREATE PROCEDURE f() BEGIN ATOMIC DELETE FROM t; END', 'create', ['create', 'delete'], ['t'], true],
    ["SELECT query_to_xml('DELETE FROM t RETURNING 1', true, true, '')", 'select', ['delete', 'select'], ['t'], true],
    ["SELECT dblink('c', 'DELETE FROM t')", 'select', ['delete', 'select'], ['t'], true],
    ['ALTER TABLE s ATTACH PARTITION t FOR VALUES IN (1)', 'alter', ['alter'], ['s', 't'], true],
    ['COMMENT ON COLUMN t.c IS NULL', 'comment', ['comment'], ['t'], true],
    ['DROP POLICY p ON t', 'drop', ['drop'], ['t'], true],
    ["SELECT nextval('t')", 'select', ['select'], ['t'], true],
    ['SELECT 1 FROM t FOR UPDATE OF t', 'select', ['select'], [], false],
  ])('sees what %s does', (text, verb, verbs, targets, isWrite) => {
    expect(known(text)).toMatchObject({ verb, verbs, target_tables: targets, is_write: isWrite })
  })

  it.each([
    ["COPY t TO PROGRAM 'x'", true, true],
    ["COPY t FROM PROGRAM 'x'", true, true],
    ["COPY (SELECT 1) TO '/x'", true, false],
    ['COPY t FROM STDIN', true, false],
    ["ALTER SYSTEM SET archive_command = 'x'", true, true],
    ["CREATE FOREIGN TABLE t (a int) SERVER s OPTIONS (program 'x')", true, true],
    ["ALTER ROLE r SET session_preload_libraries = 'x'", true, true],
    ["ALTER SYSTEM SET jit_provider = 'x'", true, true],
    ["ALTER ROLE r SET work_mem = '1MB'", true, false],
    ['COPY t TO STDOUT', false, false],
  ])('tells of %s whether it writes and starts a program', (text, isWrite, usesProgram) => {
    expect(known(text)).toMatchObject({ is_write: isWrite, uses_program: usesProgram })
  })

  it.each([
    ['select t from t', ['*', 't']],
    ['select x.* from t x', ['*']],
    ['select b from t as x(a, b)', ['*', 'b']],
    ['select (x).email from t x', ['*', 'email', 'x']],
    ['select count(*) from t', []],
    ['insert into t (a, b) select c, d from s', ['a', 'b', 'c', 'd']],
    ['update t set a = 1 where b = 2 returning c', ['a', 'b', 'c']],
    ['select x.row_to_json from t x', ['*', 'row_to_json']],
    ['select x.array_agg from t x', ['*', 'array_agg']],
    ['select x.total from t x', ['total']],
    ['update t set a = 1 returning old', ['*', 'a', 'old']],
    ['update t set a = 1 returning with (old as o) o', ['*', 'a', 'o']],
    ['grant select (email) on t to r', ['email']],
    ['copy t (a) to stdout', ['a']],
    ['create publication p for table t (a)', ['a']],
    ['create publication p for table t', ['*']],
    ['create statistics s on a, b from t', ['a', 'b']],
    ['copy t to stdout', ['*']],
  ])('names the columns of %s', (text, columns) => {
    expect(known(text).columns).toEqual(columns)
  })

  it('leaves everything about what a computed text does unknown, but not its verb', () => {
    expect(unknown("DO $$ BEGIN EXECUTE 'DROP TABLE ' || x; END $$")).toEqual([[...sets].sort()])
    expect(analyse("DO $$ BEGIN EXECUTE 'DROP TABLE ' || x; END $$")[0]?.facts).toMatchObject({
      verb: 'do',
      tables: [],
    })
    expect(unknown('EXECUTE p')).toEqual([[...sets].sort()])
    expect(unknown("SELECT query_to_xml($1, true, true, '')")).toEqual([[...sets].sort()])
  })

  it.each([
    'DELETE FROM t',
    'UPDATE t SET a = 1',
    'UPDATE t SET a = s.a FROM s',
    'DELETE FROM t WHERE true',
    "DELETE FROM t WHERE 't'::bool",
    'DELETE FROM t WHERE 1 = 1',
    "DELETE FROM t WHERE 'x' = 'x'",
    'DELETE FROM t WHERE 1 < 2',
    'DELETE FROM t WHERE (NOT false) AND (1 = 1)',
    'DELETE FROM t WHERE a = 5 OR 1 = 1',
    'DELETE FROM t WHERE a = 5 OR $1',
    'DELETE FROM t WHERE id = id',
    'DELETE FROM t WHERE t.id = id',
    'DELETE FROM t WHERE NOT (id <> id)',
    'DELETE FROM t WHERE id IN (1, id)',
    'DELETE FROM t WHERE id IS NOT DISTINCT FROM id',
    'DELETE FROM t WHERE now() > current_date',
    'DELETE FROM t WHERE EXISTS (SELECT * FROM s)',
    'DELETE FROM t WHERE id = id AND 1 = 1',
    'DELETE FROM t WHERE (id = id) IS TRUE',
    'DELETE FROM t WHERE (a, b) = (a, b)',
    'DELETE FROM t WHERE NOT (random() > 2)',
    'DELETE FROM t WHERE NOT (random() = random())',
    "DELETE FROM t WHERE NOT ' false '",
    'DELETE FROM t WHERE NULL::bool IS NOT FALSE',
    'DELETE FROM t WHERE lower(a) = lower( a )',
    'WITH d AS (DELETE FROM t RETURNING *) SELECT * FROM d WHERE id = 1',
    'EXPLAIN ANALYZE DELETE FROM t',
    'COPY (DELETE FROM t RETURNING *) TO STDOUT',
    'PREPARE p AS DELETE FROM t',
    'DO $$ BEGIN DELETE FROM t; END $$',
    "DO $$ BEGIN EXECUTE 'DELETE FROM t'; END $$",
    "CREATE FUNCTION f() RETURNS void LANGUAGE sql AS 'DELETE FROM t'",
    'CREATE RULE r AS ON INSERT TO s DO ALSO DELETE FROM t',
    "SELECT dblink('c', 'DELETE FROM t')",
    'MERGE INTO t USING s ON true WHEN MATCHED THEN DELETE',
    'MERGE INTO t USING s ON 1 = 1 WHEN MATCHED AND true THEN UPDATE SET a = 1',
    'MERGE INTO t USING s ON t.id = s.id WHEN NOT MATCHED BY SOURCE THEN DELETE',
  ])('says that %s spares no row', (text) => {
    expect(known(text).is_unqualified).toBe(true)
  })

  it.each([
    'SELECT 1',
    'TRUNCATE t',
    'INSERT INTO t VALUES (1) ON CONFLICT (a) DO UPDATE SET b = 1',
    'DELETE FROM t WHERE id = 1',
    'DELETE FROM t WHERE id = $1',
    'DELETE FROM t WHERE id = 1 AND 1 = 1',
    'DELETE FROM t WHERE id = 1 OR 1 = 2',
    'DELETE FROM t WHERE id = 1 OR false',
    'DELETE FROM t WHERE false',
    'DELETE FROM t WHERE NULL',
    'DELETE FROM t WHERE flag',
    'DELETE FROM t WHERE id <> id',
    'DELETE FROM t WHERE a = b',
    'DELETE FROM t USING s WHERE t.id = s.id',
    'DELETE FROM t WHERE id IN (SELECT id FROM s)',
    'DELETE FROM t WHERE EXISTS (SELECT 1 FROM s WHERE s.id = t.id)',
    'DELETE FROM t WHERE CURRENT OF c',
    'EXPLAIN DELETE FROM t',
    'MERGE INTO t USING s ON t.id = s.id WHEN MATCHED THEN DELETE',
    'MERGE INTO t USING s ON true WHEN MATCHED AND t.id = 5 THEN DELETE',
    'MERGE INTO t USING s ON true WHEN NOT MATCHED THEN INSERT VALUES (1)',
  ])('does not say that %s spares no row', (text) => {
    expect(known(text).is_unqualified).toBe(false)
  })

  it('sees the first values of variables, whatever their type', () => {
    const reads = (code: string) => known(`DO $$ ${code} $$`).tables
    expect(reads('DECLARE r t := (SELECT x FROM t x); BEGIN END')).toEqual(['t'])
    expect(reads('DECLARE a int := (SELECT 1 AS begin); r t DEFAULT (SELECT x FROM t x); BEGIN END')).toEqual(['t'])
    expect(reads('BEGIN DECLARE -- ;\n r t = (SELECT x FROM t x); BEGIN END; END')).toEqual(['t'])
    expect(reads('DECLARE r t; BEGIN END')).toEqual([])
  })

  it('names relations as the server cuts their names', () => {
    expect(known(`SELECT nextval('${'é'.repeat(40)}')`).tables).toEqual(['é'.repeat(31)])
  })

  it('forgets what was prepared once something unseen ran', () => {
    expect(unknown('PREPARE p AS SELECT 1; SELECT f(); EXECUTE p').map((facts) => facts.length)).toEqual([0, 1, 8])
    expect(
      analyse("PREPARE p AS SELECT 1; DO $$BEGIN EXECUTE 'PREPARE p AS DELETE FROM t'; END$$; EXECUTE p").at(-1)?.facts,
    ).toMatchObject({ target_tables: ['t'], is_write: true })
  })

  it('knows what was prepared in the same text, and nothing else', () => {
    expect(analyse('PREPARE p AS DELETE FROM t; EXECUTE p; EXECUTE q').map(({ facts }) => facts.target_tables)).toEqual(
      [['t'], ['t'], []],
    )
    expect(unknown('PREPARE p AS DELETE FROM t; EXECUTE p; EXECUTE q').map((facts) => facts.length)).toEqual([0, 0, 8])
  })

  it.each([
    'CREATE FUNCTION f() RETURNS int LANGUAGE c AS $$lib$$, $$symbol$$',
    "CREATE FUNCTION f() RETURNS int LANGUAGE internal AS 'lo_unlink'",
    "CREATE FUNCTION f() RETURNS int LANGUAGE plpython3u AS 'import os'",
  ])('does not know what %s does, only that it changes something', (text) => {
    expect(unknown(text)).toEqual([sets.filter((fact) => fact !== 'is_write').sort()])
    expect(analyse(text)[0]?.facts).toMatchObject({ verb: 'create', is_write: true })
  })

  it.each([
    ['SELECT my_function(a) FROM t', ['is_write']],
    ['SELECT a OPERATOR(mine.=) b FROM t', ['is_write']],
    ['SELECT a OPERATOR(mine.=) ANY (SELECT b FROM t)', ['is_write']],
    ['SELECT a FROM t ORDER BY a USING OPERATOR(mine.<)', ['is_write']],
    ["SELECT nextval(format('%s', 't'))", ['tables', 'target_tables']],
    ["SELECT pg_read_binary_file('base/1/1259')", ['tables', 'columns']],
    ['DROP EXTENSION e', ['tables', 'target_tables']],
    ["SELECT query_to_xml('SELECT 1'::varchar(4), true, true, '')", sets],
    ["SELECT query_to_xml('SELECT 1'::mine.text, true, true, '')", sets],
    ["SELECT set_config('role'::name, 'x', true)", ['verb', ...sets]],
    ['CALL p()', ['is_write']],
    ['EXPLAIN SELECT my_function(a) FROM t', ['is_write']],
    ["LOAD 'library'", ['uses_program']],
    ['TRUNCATE t CASCADE', ['tables', 'target_tables']],
    ['DROP OWNED BY x', ['tables', 'target_tables']],
    ['SELECT set_config($1, $2, true)', ['verb', ...sets]],
    ['SET standard_conforming_strings = off', ['verb', ...sets]],
    ["SET NAMES 'LATIN1'", ['verb', ...sets]],
    ["UPDATE pg_settings SET setting = 'off'", ['verb', ...sets]],
  ])('leaves of %s unknown what cannot be seen', (text, facts) => {
    expect(unknown(text)).toEqual([[...facts].sort()])
  })

  it('keeps the text and the number of statements it cannot read', () => {
    const statements = analyse("select 1; SELEKT 'a;b'; delete from t")
    expect(statements.map(({ facts }) => facts.statement)).toEqual(['select 1', "SELEKT 'a;b'", 'delete from t'])
    expect(statements.map(({ facts }) => facts.statement_count)).toEqual([3, 3, 3])
    expect(unknown("select 1; SELEKT 'a;b'; delete from t")).toEqual([[], ['verb', ...sets].sort(), []])
  })

  it('takes the collation `default` written bare', () => {
    expect(known('select a collate default from t').tables).toEqual(['t'])
    expect(known('select a collate pg_catalog.default from t').tables).toEqual(['t'])
  })

  it.each([
    ['a NUL', 'select 1\0; drop table t'],
    ['half a surrogate pair', "select '\ud800'"],
    ['too long a text', `select '${'x'.repeat(300_000)}'`],
    ['too many statements', 'select 1;'.repeat(3000)],
    ['too deep a tree', `select ${Array(100_000).fill('1').join('+')}`],
    ['an unfinished string', "select 'abc"],
  ])('knows nothing of a text with %s', (_what, text) => {
    const [statement, ...more] = analyse(text)
    expect(more).toEqual([])
    expect(statement?.facts.statement).toBe(text)
    expect(unknown(text)).toEqual([['statement_count', 'verb', ...sets].sort()])
  })

  it('reads an honest INSERT of many rows', () => {
    const rows = Array.from({ length: 5000 }, (_, index) => `(${index}, -1.5, now(), 'it''s (row)', NULL)`)
    expect(known(`INSERT INTO t (a, b, c, d, e) VALUES ${rows.join(', ')}`)).toMatchObject({ target_tables: ['t'] })
  })

  it('never throws, and never loses a text', () => {
    const words = [
      'select ',
      'delete from t',
      ';',
      '(',
      ')',
      "'",
      '$$',
      'do ',
      'execute ',
      '"',
      '/*',
      'é',
      '\0',
      ' collate default',
    ]
    const text = fc.oneof(
      fc.string(),
      fc.array(fc.constantFrom(...words)).map((parts) => parts.join('')),
    )
    fc.assert(
      fc.property(text, (sql) => {
        for (const { facts, unknowns } of analyse(sql)) {
          expect(facts.statement_count).toBeGreaterThan(0)
          for (const { path } of unknowns) expect(facts).toHaveProperty([path.replace('sql.', '')])
        }
      }),
      { numRuns: 500 },
    )
  })
})
