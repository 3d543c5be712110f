import { once } from 'node:events'
import net from 'node:net'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { SearchPath } from '../../wire/sql/search-path.ts'
import { ModelBackend, message, messagesIn } from './backend.fixture.ts'
import { errorParts } from './backend.ts'
import { pump } from './pump.ts'
import { statementCache } from './runtime.ts'
import { aRule, type Gateway, startGateway } from './session.fixture.ts'

const usual = new Map([
  ['client_encoding', 'UTF8'],
  ['standard_conforming_strings', 'on'],
])

/** Answers as the model does, in pieces of odd sizes. */
class ModelServer {
  readonly server: net.Server
  /** Of the connection made last. */
  model = new ModelBackend()

  constructor() {
    this.server = net.createServer({ allowHalfOpen: true }, (socket) => {
      const model = new ModelBackend()
      socket.on('error', () => undefined)
      socket.on('end', () => socket.end())
      socket.on('data', (chunk: Buffer) => {
        // a request to cancel: whatever it is about has run by now
        if (chunk.length === 16 && chunk.readUInt32BE(4) === 80_877_102) return void socket.end()
        this.model = model
        const answer = model.answer(chunk)
        const cut = (chunk.length * 7) % (answer.length + 1)
        if (cut > 0) socket.write(answer.subarray(0, cut))
        if (cut < answer.length) socket.write(answer.subarray(cut))
      })
    })
  }
}

/** What of an answer an agent goes by. The code of a portal nobody knows of is not told apart from that of a denial. */
function meaningOf(answer: Buffer): string {
  const letter = String.fromCharCode(answer[0] ?? 0)
  if (letter !== 'E') return letter + answer.subarray(5).toString('latin1')
  return `E${errorParts(answer.subarray(5)).code.replace('34000', '42501')}`
}

const texts = [
  'select 1',
  'select 2; select 3',
  'select 1/0',
  'select 1; select 1/0; select 4',
  'drop table t',
  'select 5; drop table t',
  'begin',
  'rollback',
  'commit',
  'select many',
  'select 1; select many',
  '',
] as const
const text = fc.constantFrom(...texts)
const single = fc.constantFrom(
  'select 1',
  'select $1',
  'select many',
  'select 1/0',
  'drop table t',
  'begin',
  'rollback',
  'commit',
)
const name = fc.constantFrom('', 's1', 's2')
const query = text.map((sql) => [message('Q', `${sql}\0`)])
const parse = fc.tuple(name, single).map(([as, sql]) => [message('P', `${as}\0${sql}\0\0\0`)])
const params = fc.constantFrom('\0\0', '\0\x01\0\0\0\x011', '\0\x01\0\0\0\x012', '\0\x01\xff\xff\xff\xff')
const bindOf = (portal: string, statement: string, given: string) =>
  message('B', Buffer.from(`${portal}\0${statement}\0\0\0${given}\0\0`, 'latin1'))
const bind = fc.tuple(name, name, params).map((given) => [bindOf(...given)])
const execute = name.map((portal) => [message('E', `${portal}\0\0\0\0\0`)])
const whole = fc
  .tuple(single, params)
  .map(([sql, given]) => [
    message('P', `\0${sql}\0\0\0`),
    bindOf('', '', given),
    message('D', 'P\0'),
    message('E', '\0\0\0\0\0'),
  ])
const about = fc
  .tuple(fc.constantFrom('D', 'C'), fc.constantFrom('S', 'P'), name)
  .map(([type, kind, of]) => [message(type, `${kind}${of}\0`)])
const copied = fc.constantFrom(message('c'), message('f', 'no\0'))
const copy = copied.map((end) => [
  message('Q', 'copy t from stdin\0'),
  message('d', '1\n'),
  message('S'),
  message('d', '2\n'),
  end,
])
const extendedCopy = fc
  .tuple(copied, fc.boolean())
  .map(([end, isEarly]) => [
    message('P', '\0copy t from stdin\0\0\0'),
    message('B', '\0\0\0\0\0\0\0\0'),
    message('E', '\0\0\0\0\0'),
    ...(isEarly ? [message('S')] : []),
    message('d', '1\n'),
    end,
    message('S'),
  ])
const sync = fc.constant([message('S')])
const item = fc.oneof(
  { weight: 3, arbitrary: query },
  { weight: 4, arbitrary: whole },
  { weight: 4, arbitrary: sync },
  parse,
  bind,
  execute,
  about,
  fc.constant([message('H')]),
  copy,
  extendedCopy,
)

describe('pump()', () => {
  const upstream = new ModelServer()
  let gateway: Gateway

  beforeAll(async () => {
    const cache = await statementCache()
    upstream.server.listen(0, '127.0.0.1')
    await once(upstream.server, 'listening')
    gateway = await startGateway({
      serve: async (session) => {
        const socket = await session.dial({ host: 'db.test', port: 5432 })
        const facts = { database: 'd', user: 'u', credential: null, path: new SearchPath(), recordsParams: false }
        const parts = { session, agent: session.client, upstream: socket, parameters: usual, facts, cache }
        await pump({ ...parts, transaction: 'I', cancelKey: Buffer.alloc(8) })
      },
      settings: { host: 'db.test:5432', sslmode: 'disable' },
      serverPort: (upstream.server.address() as net.AddressInfo).port,
      rules: [
        aRule('no-drop', "'drop' in sql.verbs", 'no'),
        aRule('not-two', "'1' in sql.params && sql.params['1'] == '2'", 'no'),
        { ...aRule('few', "sql.statement.contains('many')"), outcome: { do: 'allow', limits: { rows: 2 } } },
      ],
    })
  })
  afterAll(async () => {
    await gateway?.[Symbol.asyncDispose]()
    upstream.server.close()
  })

  /** Everything an agent gets for what it sends in these pieces, until the connection is closed. */
  async function converse(pieces: readonly Buffer[]): Promise<Buffer> {
    const agent = net.connect(gateway.port, '127.0.0.1')
    const got: Buffer[] = []
    agent.on('data', (chunk: Buffer) => void got.push(chunk))
    agent.setNoDelay(true)
    for (const piece of pieces) {
      agent.write(piece)
      // lets it go by itself
      await new Promise((resolve) => setImmediate(resolve))
    }
    await once(agent, 'close')
    return Buffer.concat(got)
  }

  it('gives an agent the answers it would get of a server that denies by itself, in whatever order it asks', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(item, { maxLength: 14 }),
        fc.array(fc.integer({ min: 1, max: 120 })),
        async (items, cuts) => {
          const sent = Buffer.concat([...items.flat(), message('S'), message('X')])
          const pieces: Buffer[] = []
          let at = 0
          for (const cut of cuts) {
            pieces.push(sent.subarray(at, at + cut))
            at += cut
          }
          pieces.push(sent.subarray(Math.min(at, sent.length)))
          const begun = gateway.actions.length
          const got = messagesIn(await converse(pieces.filter(({ length }) => length > 0)))
          const wanted = messagesIn(new ModelBackend(true).answer(sent))
          expect(got.map(meaningOf)).toEqual(wanted.map(meaningOf))
          expect(upstream.model.seen.join()).not.toContain('drop')
          await gateway.idle()
          expect(gateway.faults).toEqual([])
          expect(gateway.actions.slice(begun).filter(({ closing }) => closing === null)).toEqual([])
        },
      ),
      { numRuns: 200 },
    )
  })

  it.each([
    ['a message that is none', Buffer.from('GET / HTTP/1.1\r\n\r\n')],
    ['a text with a NUL byte', message('Q', 'select 1\0; drop table t\0')],
    ['a query where the server waits for data', Buffer.concat([message('Q', 'copy t from stdin\0'), message('H')])],
  ])('ends the session at %s', async (_, bytes) => {
    const agent = net.connect(gateway.port, '127.0.0.1')
    const refusals = gateway.refused.length
    const got: Buffer[] = []
    agent.on('data', (chunk: Buffer) => {
      got.push(chunk)
      if (chunk[0] === 0x47) agent.write(message('Q', 'select 1\0'))
    })
    agent.write(bytes)
    await once(agent, 'close')
    const last = messagesIn(Buffer.concat(got)).at(-1)
    expect(last === undefined ? null : errorParts(last.subarray(5))).toEqual({ code: '08P01', isFatal: true })
    expect(gateway.refused.length).toBe(refusals + 1)
  })

  it('denies a function called by message, natively', async () => {
    const call = Buffer.alloc(12)
    const got = await converse([Buffer.concat([message('F', call), message('Q', 'select 1\0'), message('X')])])
    expect(messagesIn(got).map(meaningOf)).toEqual(['E42501', 'ZI', 'D\0\0', 'Cselect 1\0', 'ZI'])
  })

  it('judges a text beyond 1 MiB as unknown, and drops all of it', async () => {
    const long = message('Q', `select '${'x'.repeat(3 << 20)}'\0`)
    const got = await converse([Buffer.concat([long, message('Q', 'select 1\0'), message('X')])])
    expect(messagesIn(got).map(meaningOf)).toEqual(['E42501', 'ZI', 'D\0\0', 'Cselect 1\0', 'ZI'])
    expect(upstream.model.seen).toEqual(['select 1'])
  })
})
