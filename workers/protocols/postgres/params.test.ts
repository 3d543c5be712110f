import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { AnalyseSql } from '../../contract/sql.ts'
import { type BoundParams, boundParams, noParams, paramsOf, unknownParams } from './params.ts'
import { type PostgresServer, postgresPrograms, startServer } from './server.fixture.ts'
import { loadAnalyser } from './statement.ts'

const programs = postgresPrograms('parameters in binary form')
const textOf = (bytes: Buffer) => bytes.toString()
const text = (value: string) => ({ bytes: Buffer.from(value), isBinary: false })
const binary = (...bytes: number[]) => ({ bytes: Buffer.from(bytes), isBinary: true })
const null_ = { bytes: null, isBinary: false }
const valuesOf = (params: BoundParams) => (params.kind === 'known' ? params.values : params.because)

describe('boundParams()', () => {
  it('has text as it was sent, and leaves NULL out', () => {
    expect(boundParams([text(' 07'), null_, text('')], [], textOf)).toEqual({
      kind: 'known',
      values: { 1: ' 07', 3: '' },
      nulls: ['2'],
      count: 3,
      size: 35,
    })
    expect(boundParams([], [], textOf)).toBe(noParams)
  })

  it.each([
    [' 007\n', '7'],
    ['+7', '7'],
    ['-0', '0'],
    ['-07', '-7'],
    ['0', '0'],
    ['0x7', 'undecodable'],
    ['7_0', 'undecodable'],
    ['', 'undecodable'],
    ['\u00a07', 'undecodable'],
  ])('has a whole number as the server reads it: %j', (written, read) => {
    for (const type of [20, 21, 23, 26]) {
      // -7 is 4294967289 to an oid
      const expected = read === 'undecodable' || (type === 26 && read === '-7') ? 'undecodable' : { 1: read }
      expect(valuesOf(boundParams([text(written)], [type], textOf))).toEqual(expected)
    }
    expect(valuesOf(boundParams([text(written)], [], textOf))).toEqual({ 1: written })
  })

  it('knows how many there are and which are NULL where it does not know the others', () => {
    expect(boundParams([binary(1), null_], [], textOf)).toEqual({
      kind: 'unknown',
      because: 'undecodable',
      nulls: ['2'],
      count: 2,
      size: 0,
    })
    expect(boundParams([text('a')], [], () => null)).toMatchObject({ because: 'undecodable' })
    expect(boundParams(null, [], textOf)).toEqual(unknownParams('truncated'))
  })

  it.each([
    ['of no known type', 0, binary(0, 0, 0, 1)],
    ['of a type nobody reads here', 600, binary(0, 0, 0, 1)],
    ['of the wrong size', 23, binary(0, 1)],
    ['a numeric cut off', 1700, binary(0, 2, 0, 0, 0, 0, 0, 0, 0, 1)],
    ['a numeric of very many digits', 1700, binary(0, 1, 0x7f, 0xff, 0, 0, 0, 0, 0, 1)],
    ['a jsonb of another version', 3802, binary(2, 0x31)],
  ])('does not guess at a binary value %s', (_what, type, value) => {
    expect(valuesOf(boundParams([value], [type], textOf))).toBe('undecodable')
  })
})

describe('paramsOf()', () => {
  let analyse: AnalyseSql
  beforeAll(async () => {
    analyse = await loadAnalyser()
  })
  const of = (sql: string, bound = noParams) => {
    const [statement] = analyse(sql)
    if (statement === undefined) throw new Error('no statement')
    const params = paramsOf(statement, bound)
    return params.kind === 'pending' ? 'pending' : valuesOf(params)
  }

  it.each([
    ['execute plan', {}],
    ["execute plan (1, 'a''b', -25, true, FALSE)", { 1: '1', 2: "a'b", 3: '-25', 4: 't', 5: 'f' }],
    ['execute plan (665.9)', 'undecodable'],
    ['execute plan (007)', 'undecodable'],
    ['EXECUTE "Pla n"(null,\'x\')', { 2: 'x' }],
    ['execute plan (1 + 1)', 'undecodable'],
    ["execute plan ('a'::text)", 'undecodable'],
    ["execute plan (E'a\\n')", 'undecodable'],
    ["execute plan ('a'\n'b')", 'undecodable'],
    ['execute plan (1, current_user)', 'undecodable'],
    ["execute plan /* ' */ ('a')", 'undecodable'],
    ['explain analyze execute plan (1)', 'unparsed'],
    ['create table t as execute plan (1)', 'unparsed'],
    ['prepare plan as select $1', 'pending'],
    ['prepare plan as select 1', {}],
    ['select 1', {}],
    ['selekt 1', 'unparsed'],
  ])('takes arguments that are written out: %s', (sql, expected) => {
    expect(of(sql)).toEqual(expected)
  })

  it('has what the portal was bound with', () => {
    const bound = boundParams([text('x')], [], textOf)
    expect(of('select $1', bound)).toEqual({ 1: 'x' })
    expect(of('selekt $1', bound)).toEqual({ 1: 'x' })
  })

  it('takes a long list apart in no time', () => {
    expect(of(`execute plan (${'1, '.repeat(300_000)}1)`)).toBe('truncated')
    expect(of(`execute plan (${' '.repeat(500_000)}`)).toBe('undecodable')
  })
})

/** Types whose send function has an underscore in its name. */
const underscored: ReadonlySet<string> = new Set([
  'json',
  'jsonb',
  'uuid',
  'date',
  'timestamp',
  'timestamptz',
  'numeric',
])

describe.skipIf(programs === null)('a binary parameter', () => {
  let server: PostgresServer
  let client: pg.Client

  beforeAll(async () => {
    if (programs === null) return
    server = await startServer(programs)
    client = new pg.Client({ host: '127.0.0.1', port: server.port, user: 'postgres', database: 'postgres' })
    await client.connect()
    await client.query("set timezone = 'UTC'; set intervalstyle = 'postgres'; set datestyle = 'ISO'")
  })
  afterAll(async () => {
    await client?.end()
    server?.[Symbol.dispose]()
  })

  const types = {
    bool: [16, 'true', 'false'],
    bytea: [17, "'\\x00ff41'", "''"],
    name: [19, "'naïve'"],
    int8: [20, '-9223372036854775808', '42'],
    int2: [21, '-32768', '7'],
    int4: [23, '-2147483648', '0'],
    text: [25, "'a''b'", "''"],
    oid: [26, '4294967295'],
    json: [114, `'{"a": 1}'`],
    float4: [700, '1.1', '1e20', '1e-5', "'-0'", '123456', '1234567', '0.0001', "'NaN'", "'-infinity'", '3.4028235e38'],
    float8: [
      701,
      '1.1',
      '1e22',
      '1e-7',
      '0.0001',
      '123456789012345',
      '1234567890123456',
      '5e-324',
      "'infinity'",
      '-0.5',
    ],
    bpchar: [1042, "'ab '"],
    varchar: [1043, "'ab'"],
    date: [1082, "'2024-02-29'", "'1999-12-31'", "'0044-03-15 BC'", "'infinity'", "'5874897-12-31'", "'4713-01-01 BC'"],
    timestamp: [
      1114,
      "'2024-01-02 03:04:05.060'",
      "'1969-12-31 23:59:59.999999'",
      "'0001-01-01 00:00:00 BC'",
      "'-infinity'",
    ],
    timestamptz: [1184, "'2024-01-02 03:04:05+02'", "'294276-12-31 23:59:59.5+00'"],
    numeric: [
      1700,
      '0',
      '-0.00',
      '1.50',
      '10000',
      '12345678901234567890.0001',
      '0.00001234',
      '1e30',
      "'NaN'",
      "'infinity'",
    ],
    uuid: [2950, "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'"],
    jsonb: [3802, `'[1, "x"]'`],
  } as const

  it.each(Object.entries(types))('of type %s is written as the server writes it', async (type, [oid, ...literals]) => {
    for (const literal of literals) {
      const value = `(${literal})::${type}`
      const { rows } = await client.query(
        `select ${type}${underscored.has(type) ? '_' : ''}send(${value}) as sent, format('%s', ${value}) as shown`,
      )
      const [{ sent, shown }] = rows as [{ sent: Buffer; shown: string }]
      const known = boundParams([{ bytes: sent, isBinary: true }], [oid], textOf)
      expect([literal, valuesOf(known)]).toEqual([literal, { 1: shown }])
    }
  })
})
