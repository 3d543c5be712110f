import { describe, expect, it } from 'vitest'
import { analyseBeside } from './analyse-beside.ts'
import { parseText } from './parse-text.ts'
import { seenOf, unseen } from './sql-facts.ts'

const request = {
  database: 'shop',
  user: 'bot',
  credential: null,
  settings: { max_threads: '4', readonly: '0' },
  params: { id: '7' },
  recordsParams: false,
}

function seenIn(text: string, more: Partial<Parameters<typeof seenOf>[1]> = {}) {
  const all = { ...request, ...more }
  const [first, ...others] = analyseBeside(parseText, text, all.settings)
  expect(others).toEqual([])
  if (first === undefined) throw new Error('no statement')
  return seenOf(first, all)
}

describe('seenOf() of ClickHouse', () => {
  it('tells of a statement, its session and what came beside it', () => {
    const seen = seenIn('SELECT a FROM t WHERE id = {id:UInt8} SETTINGS readonly = 1')
    expect(seen.unknowns).toEqual([])
    expect(seen.facts.sql).toMatchObject({
      verb: 'select',
      database: 'shop',
      params: { id: '7' },
      settings: { max_threads: '4', readonly: '1' },
    })
    expect(seen.record).toMatchObject({ verb: 'select', settings: request.settings, params: { id: '***' } })
    expect(seen.described?.()).toEqual({
      sql: {
        statement: 'SELECT a FROM t WHERE id = {id:UInt8} SETTINGS readonly = 1',
        database: 'shop',
        settings: request.settings,
        params: { id: '***' },
      },
    })
  })

  it('records values of parameters where the policy says so, and of settings whose names tell nothing', () => {
    const seen = seenIn('SELECT 1', { recordsParams: true, settings: { s3_secret: 'x' } })
    expect(seen.record).toMatchObject({ params: { id: '7' }, settings: { s3_secret: '***' } })
    expect(seen.facts.sql).toMatchObject({ settings: { s3_secret: 'x' } })
  })

  it('leaves unknown what cannot be told', () => {
    const paths = (seen: ReturnType<typeof seenOf>) => seen.unknowns.map(({ path }) => path)
    expect(paths(seenIn('SELECT 1', { database: null, params: null }))).toEqual(['sql.database', 'sql.params'])
    expect(paths(seenIn('SELECT 1', { settings: { dialect: 'kusto' } }))).toContain('sql.verb')
    for (const size of ['0', '00', '+0', '0x0', '', '1e3'])
      expect(paths(seenIn('SELECT 1', { settings: { max_query_size: size } }))).toContain('sql.verb')
    expect(paths(seenIn('SELECT 1', { settings: { max_query_size: '1000000' } }))).toEqual([])
    expect(seenOf(unseen('', 'truncated'), request)).toMatchObject({ title: 'SQL that cannot be read' })
  })

  it('judges a text without a statement by its text', () => {
    expect(seenIn(' -- nothing').facts.sql).toMatchObject({ verb: '', statement: '-- nothing', statement_count: 1 })
  })

  it.each([
    [
      "CREATE USER u IDENTIFIED WITH sha256_password BY 'hunter2'",
      "CREATE USER u IDENTIFIED WITH sha256_password BY '***'",
    ],
    ["SELECT * FROM mysql('h:1', 'db', 't', 'u', 'hunter2')", "SELECT * FROM mysql('h:1', '***', '***', '***', '***')"],
    ["SELECT * FROM s3('https://b/k', 'id', 'hunter2')", "SELECT * FROM s3('https://b/k', '***', '***')"],
    ["SELECT a, 'b' FROM t GROUP BY 'x'", "SELECT a, 'b' FROM t GROUP BY 'x'"],
    ["SELECT * FROM url('http://u:hunter2@h/x', CSV)", "SELECT * FROM url('http://u:***@h/x', CSV)"],
    ["SELECT encrypt('aes', x, 'hunter2')", "SELECT encrypt('aes', x, '***')"],
    ["SET s3_secret_access_key = 'hun''ter2', a = 'b'", "SET s3_secret_access_key = '***', a = 'b'"],
    [
      "CREATE DICTIONARY d SOURCE(CLICKHOUSE(USER 'u' PASSWORD 'hunter2'",
      "CREATE DICTIONARY d SOURCE(CLICKHOUSE(USER 'u' PASSWORD '***'",
    ],
    ["SELECT 1 -- it's\n, mysql('h', f('hunter2'", "SELECT 1 -- it's\n, mysql('h', f('***'"],
  ])('keeps secrets of %s out of the record', (text, told) => {
    expect(seenOf(unseen(text, 'unparsed'), request).described?.()).toMatchObject({ sql: { statement: told } })
  })
})
