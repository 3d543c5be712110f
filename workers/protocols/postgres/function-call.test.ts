import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { message } from './backend.fixture.ts'
import { functionCall } from './function-call.ts'
import { query, RawAgent } from './raw-agent.fixture.ts'
import { postgres } from './runtime.ts'
import { type PostgresServer, postgresPrograms, startServer } from './server.fixture.ts'
import { aRule, type Gateway, psql, startGateway } from './session.fixture.ts'

const utf8 = (bytes: Buffer) => bytes.toString()

/** A FunctionCall with its arguments in binary form. */
function call(oid: number, ...values: readonly Buffer[]): Buffer {
  const word = (value: number) => Buffer.from([value >> 8, value & 255])
  const long = (value: number) => {
    const bytes = Buffer.alloc(4)
    bytes.writeInt32BE(value)
    return bytes
  }
  const sent = values.flatMap((value) => [long(value.length), value])
  return message('F', Buffer.concat([long(oid), word(1), word(1), word(values.length), ...sent, word(1)]))
}

const int4 = (value: number) => Buffer.from([value >>> 24, (value >> 16) & 255, (value >> 8) & 255, value & 255])
const read = (bytes: Buffer) => functionCall({ type: 0x46, bytes: bytes.length, held: bytes }, utf8)

describe('functionCall()', () => {
  it('tells function and arguments', () => {
    expect(read(call(955, int4(3), Buffer.from('\x01\xff', 'latin1')))).toMatchObject({
      text: 'SELECT pg_catalog.lowrite($1, $2)',
      args: { kind: 'known', values: { 1: '3', 2: '\\x01ff' } },
    })
  })

  it('knows no other function', () => {
    for (const oid of [0, 2, 764, 765, 1259, 2_147_483_647]) expect(read(call(oid, int4(1)))).toBe(null)
    expect(read(message('F', Buffer.alloc(3)))).toBe(null)
  })

  it('does not tell arguments that were not held whole', () => {
    const whole = call(955, int4(3), Buffer.alloc(1000))
    expect(functionCall({ type: 0x46, bytes: whole.length, held: whole.subarray(0, 100) }, utf8)?.args).toMatchObject({
      kind: 'unknown',
      because: 'truncated',
    })
  })

  it('refuses what is malformed wherever it is cut', () => {
    const whole = call(952, int4(42), int4(0x40000))
    for (let end = 9; end < whole.length; end += 1) expect(() => read(whole.subarray(0, end))).toThrow('FunctionCall')
    expect(() => read(Buffer.concat([whole, Buffer.alloc(1)]))).toThrow('does not end')
  })
})

const programs = postgresPrograms('functions called by message')

describe.skipIf(programs === null)('a function called by message', () => {
  let server: PostgresServer
  let gateway: Gateway

  beforeAll(async () => {
    if (programs !== null) server = await startServer(programs)
  })
  afterAll(() => server?.[Symbol.dispose]())
  beforeEach(async () => {
    gateway = await startGateway({
      serve: (session) => postgres.serve(session),
      settings: { host: 'db.test:5432', sslmode: 'disable' },
      serverPort: server.port,
      rules: [
        aRule('keep-4712', "'lo_unlink' in sql.functions && sql.params['1'] == '4712'", 'this one stays'),
        aRule('rest', "sql.verb in ['select', 'begin', 'commit', 'rollback']"),
      ],
    })
  })
  afterEach(async () => {
    await gateway.idle()
    await gateway[Symbol.asyncDispose]()
    expect(gateway.faults).toEqual([])
    expect(gateway.actions.filter(({ closing }) => closing === null)).toEqual([])
  })

  it('carries large objects of psql both ways', async () => {
    const [from, to] = [join(server.socket, 'from'), join(server.socket, 'to')]
    writeFileSync(from, Buffer.alloc(300_000, 'large '))
    const session = `host=127.0.0.1 port=${gateway.port} user=postgres dbname=postgres sslmode=disable`
    const made = await psql(session, `\\lo_import ${from}`, '\\echo :LASTOID')
    const [, oid = ''] = /(\d+)$/.exec(made.stdout) ?? []
    expect(await psql(session, `\\lo_export ${oid} ${to}`, `\\lo_unlink ${oid}`)).toMatchObject({ code: 0, stderr: '' })
    expect(readFileSync(to).equals(readFileSync(from))).toBe(true)
    const calls = gateway.actions.filter(({ seen }) => seen.title.startsWith('SELECT pg_catalog.lo'))
    expect(calls.map(({ seen }) => seen.title)).toContain('SELECT pg_catalog.lo_unlink($1)')
    expect(new Set(calls.map(({ closing }) => closing?.status))).toEqual(new Set(['SELECT 1']))
  })

  it('is judged by function and argument, and the session goes on', async () => {
    server.sql('select lo_create(4711), lo_create(4712)')
    const agent = new RawAgent(gateway.port)
    expect(await agent.answers(1)).toBe('ZI')
    agent.send(call(964, int4(4711)), call(964, int4(4712)), call(964, int4(4713)), query('select 1'))
    expect(await agent.answers(4)).toBe('V ZI E42501 ZI E42704 ZI T D C ZI')
    agent.send(query('begin'), call(964, int4(4712)), query('select 1'), query('rollback'))
    expect(await agent.answers(4)).toBe('C ZT E42501 ZE E25P02 ZE C ZI')
    agent.socket.destroy()
    expect(server.sql('select string_agg(oid::text, $$,$$) from pg_largeobject_metadata')).toBe('4712')
    expect(gateway.actions.map(({ closing }) => closing?.status).slice(0, 3)).toEqual(['SELECT 1', 'denied', '42704'])
  })

  it('is refused where it is not known what it does', async () => {
    const agent = new RawAgent(gateway.port)
    agent.send(call(1598), query('select 1'))
    expect(await agent.answers(3)).toBe('ZI E42501 ZI T D C ZI')
    agent.socket.destroy()
    expect(gateway.refused).toMatchObject([{ title: 'FUNCTION CALL' }])
  })
})
