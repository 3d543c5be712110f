import { beforeAll, describe, expect, it } from 'vitest'
import { sql } from '../../contract/families/sql.ts'
import type { CredentialName } from '../../contract/ids.ts'
import type { AnalyseSql } from '../../contract/sql.ts'
import { SearchPath } from '../../wire/sql/search-path.ts'
import { StatementCache } from '../../wire/sql/statement-cache.ts'
import { Lexing } from './lexing.ts'
import { seenOf, unseen } from './sql-facts.ts'
import { loadAnalyser } from './statement.ts'

const path = new SearchPath()
const session = { database: 'shop', user: 'agent', credential: 'app' as CredentialName, path }

let analyse: AnalyseSql

beforeAll(async () => {
  analyse = await loadAnalyser()
})

/** What is said of a text of one statement. */
function seen(text: string) {
  const [statement] = analyse(text)
  if (statement === undefined) throw new Error('no statement')
  return seenOf(statement, session)
}

describe('seenOf()', () => {
  it('says of a statement what rules, records and people are told', () => {
    const { title, facts, unknowns, record, credential, described } = seen('delete\n  from orders')
    expect([title, unknowns, credential]).toEqual(['delete from orders', [], 'app'])
    expect(facts.sql).toMatchObject({ verb: 'delete', tables: ['orders'], database: 'shop', is_write: true })
    expect(record).toEqual({ verb: 'delete', tables: ['orders'], database: 'shop', user: 'agent' })
    expect(described?.()).toEqual({ credential: 'app', sql: { statement: 'delete\n  from orders', database: 'shop' } })
  })

  it('says nothing of a text that was too long but that it was', () => {
    const { title, unknowns, described } = seenOf(unseen('', 'truncated'), session)
    expect(title).toBe('SQL that cannot be read')
    expect(unknowns.map(({ path }) => path)).toEqual(
      sql.facts.filter(({ name }) => !/^(database|params|settings)$/.test(name)).map(({ name }) => `sql.${name}`),
    )
    expect(described?.()).toMatchObject({ truncated: true })
  })

  it('knows the text of what was not understood, unless that could not be decoded', () => {
    const pathsOf = (because: 'unparsed' | 'undecodable') => unseen('x', because).unknowns.map(({ path }) => path)
    expect(pathsOf('unparsed')).not.toContain('sql.statement')
    expect(pathsOf('undecodable')).toContain('sql.statement')
  })

  it.each([
    ["create role r password 'hunter2'", "create role r password '***'"],
    ["alter role r with encrypted password E'hun\\'ter2' login", "alter role r with encrypted password '***' login"],
    ['alter role r password $x$hun$ter2$x$', "alter role r password '***'"],
    [
      "create user mapping for u server s options (user 'u', password 'hun''ter2')",
      "create user mapping for u server s options (user 'u', password '***')",
    ],
    ["select dblink('host=h password=hunter2 user=u')", "select dblink('host=h password=*** user=u')"],
    ["set application_name = 'password'", "set application_name = 'password'"],
  ])('masks a password: %s', (text, shown) => {
    const { title, described } = seen(text)
    expect([title, described?.().sql?.statement]).toEqual([shown, shown])
  })
})

describe('StatementCache', () => {
  it('takes a text apart once, and forgets what was used longest ago', () => {
    const asked: string[] = []
    const cache = new StatementCache((text) => {
      asked.push(text)
      return analyse(text)
    }, 5000)
    for (const text of ['select 1', 'select 2', 'select 1', 'select 3', 'select 1', 'select 2']) cache.analyse(text)
    expect(asked).toEqual(['select 1', 'select 2', 'select 3', 'select 2'])
    expect([cache.hits, cache.misses]).toEqual([2, 4])
    expect(cache.bytes).toBeLessThanOrEqual(5000)
  })

  it('keeps nothing of a long text', () => {
    const cache = new StatementCache(analyse, 1 << 24)
    cache.analyse(`select '${'x'.repeat(70_000)}'`)
    expect(cache.bytes).toBe(0)
  })
})

describe('Lexing', () => {
  const usual = [
    ['client_encoding', 'UTF8'],
    ['standard_conforming_strings', 'on'],
  ] as const
  const read = (changes: readonly (readonly [string, string])[], bytes: Buffer) =>
    new Lexing(new Map([...usual, ...changes])).read(bytes).unknown

  it.each([
    ['UTF-8', [], Buffer.from("select '€'"), null],
    ['a replacement character that was sent as such', [], Buffer.from("select '\ufffd'"), null],
    ['bytes that are no UTF-8', [], Buffer.from([0x27, 0xff, 0x27]), 'undecodable'],
    ['half a surrogate pair', [], Buffer.from([0xed, 0xa0, 0x80]), 'undecodable'],
    ['ASCII in another encoding', [['client_encoding', 'SJIS']], Buffer.from('select 1'), null],
    ['anything else in another encoding', [['client_encoding', 'LATIN1']], Buffer.from("select 'é'"), 'undecodable'],
    [
      'any text where backslashes escape',
      [['standard_conforming_strings', 'off']],
      Buffer.from('select 1'),
      'unparsed',
    ],
  ] as const)('reads %s', (_, changes, bytes, unknown) => {
    expect(read(changes, bytes)).toBe(unknown)
  })

  it('relies on nothing a server has not said', () => {
    const silent = new Lexing(new Map())
    expect([silent.wasStrange, silent.read(Buffer.from('select 1')).unknown]).toEqual([true, 'unparsed'])
  })

  it('remembers that it was strange once', () => {
    const lexing = new Lexing(new Map(usual))
    expect(lexing.wasStrange).toBe(false)
    lexing.set('standard_conforming_strings', 'off')
    lexing.set('standard_conforming_strings', 'on')
    expect([lexing.wasStrange, lexing.read(Buffer.from('select 1')).unknown]).toEqual([true, null])
  })
})
