import { beforeAll, describe, expect, it } from 'vitest'
import type { AnalyseSql } from '../../contract/sql.ts'
import { SearchPath } from '../../wire/sql/search-path.ts'
import { schemasListed } from './search-path.ts'
import { loadAnalyser } from './statement.ts'

let analyse: AnalyseSql

beforeAll(async () => {
  analyse = await loadAnalyser()
})

/** What is seen of the last text in a session that sent the others before. */
function seenAfter(...texts: readonly string[]) {
  const path = new SearchPath()
  const last = texts.at(-1) ?? ''
  for (const text of texts.slice(0, -1)) for (const statement of analyse(text)) path.sent(statement)
  const [statement] = analyse(last)
  if (statement === undefined) throw new Error('no statement')
  const { facts, unknowns } = path.resolve(statement)
  return { tables: facts.tables, targets: facts.target_tables, unknowns: unknowns.map(({ path }) => path) }
}

describe('a search path', () => {
  it.each([
    'set search_path to secret',
    "set search_path = 'secret'",
    'set local search_path = public, "secret"',
    "set schema 'secret'",
    "select set_config('search_path', 'public, secret', false)",
    'do $$ begin set search_path = secret; end $$',
    "explain analyze select set_config('search_path', 'secret', true)",
    "with x as (select set_config('search_path', 'secret', false)) select * from x",
    // "$user" stands at the beginning of the usual path
    'set role secret',
    'set local role "secret"',
    'set session authorization secret',
    "select set_config('role', 'secret', true)",
  ])('gives bare names a meaning: %s', (text) => {
    expect(seenAfter(text, 'select * from keys').tables).toContain('secret.keys')
    expect(seenAfter(text, 'delete from keys where id = 1').targets).toContain('secret.keys')
  })

  it('leaves names alone that have a schema, and sessions that keep the path', () => {
    expect(seenAfter('set search_path = secret', 'select * from a.keys').tables).toEqual(['a.keys', 'keys'])
    for (const text of [
      'select 1',
      'set timezone = utc',
      'reset search_path',
      'set search_path to default',
      'set role none',
    ])
      expect(seenAfter(text, 'select * from keys')).toEqual({ tables: ['keys'], targets: [], unknowns: [] })
    expect(seenAfter("select set_config('search_path', '', false)", 'select * from keys').tables).toEqual(['keys'])
  })

  it('knows several, and forgets none', () => {
    const texts = ['set search_path = a', 'set search_path = b', 'reset all']
    expect(seenAfter(...texts, 'select * from keys').tables).toEqual(['a.keys', 'b.keys', 'keys'])
  })

  it.each([
    "select set_config('search_path', (select s from t), false)",
    "select set_config('search_path', $1, false)",
    "select set_config('role', $1, false)",
    "do $$ begin execute 'set search_path = ' || 'secret'; end $$",
    'do language plperl $$ spi_exec_query("set search_path = secret") $$',
    'selec 1',
  ])('is not known any more: %s', (text) => {
    expect(seenAfter(text, 'select * from keys')).toEqual({
      tables: [],
      targets: [],
      unknowns: ['sql.tables', 'sql.target_tables'],
    })
    expect(seenAfter(text, 'select * from a.keys')).toMatchObject({ tables: ['a.keys', 'keys'], unknowns: [] })
  })

  it('counts what a statement changes before it goes on', () => {
    expect(seenAfter('do $$ begin set search_path = secret; delete from keys; end $$').targets).toContain('secret.keys')
  })

  it('may put other functions before those of PostgreSQL', () => {
    expect(seenAfter('set search_path = evil, pg_catalog', "select lower('A')").unknowns).toEqual(['sql.is_write'])
    expect(seenAfter('set search_path = pg_catalog, evil', "select lower('A')").unknowns).toEqual([])
  })

  it('is not known when there are too many', () => {
    const schemas = Array.from({ length: 40 }, (_, index) => `s${index}`).join(', ')
    expect(seenAfter(`set search_path = ${schemas}`, 'select * from keys').unknowns).toContain('sql.tables')
  })
})

describe('schemasListed()', () => {
  it.each([
    ['', []],
    ['Public', ['public']],
    ['\tÉTAT\n', ['État']],
    [' a\u00a0 ', ['a\u00a0']],
    ['"$user", public', ['$user', 'public']],
    [' a ,"B ""c"", d" ', ['a', 'B "c", d']],
  ])('reads %s', (text, schemas) => {
    expect(schemasListed(text)).toEqual(schemas)
  })

  it.each(['a b', '"a', 'a,,b', ','])('does not guess at %s', (text) => {
    expect(schemasListed(text)).toBeNull()
  })
})
