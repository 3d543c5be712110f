import { once } from 'node:events'
import net from 'node:net'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { message, messagesIn } from './backend.fixture.ts'
import { errorParts } from './backend.ts'
import { postgres } from './runtime.ts'
import { type PostgresServer, postgresPrograms, startServer } from './server.fixture.ts'
import { aRule, type Gateway, startGateway } from './session.fixture.ts'

const programs = postgresPrograms('hazards of PostgreSQL sessions')

const setup = `
  CREATE TABLE t (a int PRIMARY KEY);
  CREATE TABLE never (a int);
  CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''never''; END';
  CREATE TRIGGER refused BEFORE INSERT ON never EXECUTE FUNCTION refuse();
  CREATE TABLE heap (a text);
`

/** An agent that writes its messages itself. */
class RawAgent {
  readonly socket: net.Socket
  #got = Buffer.alloc(0)
  bytes = 0
  isForgetful = false

  constructor(port: number) {
    this.socket = net.connect(port, '127.0.0.1')
    this.socket.on('error', () => undefined)
    this.socket.on('data', (chunk: Buffer) => {
      this.bytes += chunk.length
      if (!this.isForgetful) this.#got = Buffer.concat([this.#got, chunk])
    })
    const parameters = Buffer.from('\0\x03\0\0user\0postgres\0client_encoding\0UTF8\0\0', 'latin1')
    const length = Buffer.alloc(4)
    length.writeInt32BE(parameters.length + 4)
    this.socket.write(Buffer.concat([length, parameters]))
  }

  /** Letters of the answers up to so many ReadyForQuery, errors with their code, the last with its status. */
  async answers(ready: number): Promise<string> {
    for (;;) {
      const whole = wholeMessages(this.#got)
      const ends = whole.filter((each) => each[0] === 0x5a).length
      if (ends >= ready || this.socket.closed) {
        this.#got = this.#got.subarray(Buffer.concat(whole).length)
        return whole.map(meaningOf).filter(Boolean).join(' ')
      }
      await Promise.race([once(this.socket, 'data'), once(this.socket, 'close')])
    }
  }

  send(...messages: readonly Buffer[]): void {
    this.socket.write(Buffer.concat(messages))
  }

  /** Sends all of it as fast as it is taken. */
  async pour(chunk: Buffer, times: number): Promise<void> {
    for (let time = 0; time < times; time += 1) if (!this.socket.write(chunk)) await once(this.socket, 'drain')
  }
}

function wholeMessages(bytes: Buffer): Buffer[] {
  let end = 0
  while (end + 5 <= bytes.length && end + 1 + bytes.readInt32BE(end + 1) <= bytes.length)
    end += 1 + bytes.readInt32BE(end + 1)
  return messagesIn(bytes.subarray(0, end))
}

function meaningOf(answer: Buffer): string {
  const letter = String.fromCharCode(answer[0] ?? 0)
  if (/[SKRN]/.test(letter)) return ''
  if (letter === 'E') return `E${errorParts(answer.subarray(5)).code}`
  return letter === 'Z' ? `Z${answer.toString('latin1', 5)}` : letter
}

const query = (text: string) => message('Q', `${text}\0`)
const parse = (text: string, name = '') => message('P', `${name}\0${text}\0\0\0`)
const bind = (name = '') => message('B', `\0${name}\0\0\0\0\0\0\0`)
const execute = message('E', '\0\0\0\0\0')
const sync = message('S')

describe.skipIf(programs === null)('a session through the gateway', () => {
  let server: PostgresServer
  let gateway: Gateway
  let agent: RawAgent

  beforeAll(async () => {
    if (programs !== null) server = await startServer(programs, { setup })
  })
  afterAll(() => server?.[Symbol.dispose]())
  beforeEach(async () => {
    gateway = await startGateway({
      serve: (session) => postgres.serve(session),
      settings: { host: 'db.test:5432', sslmode: 'disable' },
      serverPort: server.port,
      rules: [
        aRule('set-is-fine', "sql.statement.startsWith('set ')"),
        aRule('no-drop', "'drop' in sql.verbs", 'nothing is dropped here'),
      ],
    })
    agent = new RawAgent(gateway.port)
    expect(await agent.answers(1)).toBe('ZI')
  })
  afterEach(async () => {
    agent.socket.destroy()
    await gateway.idle()
    await gateway[Symbol.asyncDispose]()
    expect(gateway.faults).toEqual([])
    expect(gateway.actions.filter(({ closing }) => closing === null)).toEqual([])
  })

  it('stays in step where the server ignores a Sync during COPY', async () => {
    agent.send(parse('copy t from stdin'), bind(), execute, sync)
    agent.send(message('d', '1\n'), message('c'), sync, query('drop table t'), query('select 1'))
    expect(await agent.answers(3)).toBe('1 2 G C ZI E42501 ZI T D C ZI')
  })

  it('stays in step where COPY fails before its data, and the Sync sent ahead is answered', async () => {
    agent.send(parse('copy never from stdin'), bind(), execute, sync)
    agent.send(message('d', '1\n'), message('c'), sync, query('drop table t'), query('select 1'))
    expect(await agent.answers(4)).toMatch(/^1 2 G EP0001 ZI ZI E42501 ZI T D C ZI$/)
  })

  it('stays in step where the data of COPY is wrong', async () => {
    agent.send(parse('copy t from stdin'), bind(), execute, sync)
    agent.send(message('d', 'x\n'), message('c'), sync, query('drop table t'), query('select 1'))
    expect(await agent.answers(3)).toBe('1 2 G E22P02 ZI E42501 ZI T D C ZI')
  })

  it('answers a denial at once where the agent waits for it before it syncs', async () => {
    agent.send(query('begin'))
    expect(await agent.answers(1)).toBe('C ZT')
    agent.send(parse('drop table t'), bind(), execute)
    while (!(await agent.answers(0)).includes('E42501')) await once(agent.socket, 'data')
    agent.send(parse('select 1'), sync, query('rollback'))
    expect(await agent.answers(2)).toBe('ZE C ZI')
  })

  it('rolls back what was sent with a denied statement, as the server does', async () => {
    agent.send(query('truncate t'), parse('insert into t values (5)'), bind(), execute, parse('drop table t'), sync)
    expect(await agent.answers(2)).toBe('C ZI 1 2 C E42501 ZI')
    expect(server.sql('select count(*) from t')).toBe('0')
  })

  it('denies a query among messages that were not synced', async () => {
    agent.send(parse('select 1'), bind(), execute, query('drop table t'), query('select 2'))
    expect(await agent.answers(2)).toBe('1 2 D C E42501 ZI T D C ZI')
    agent.send(parse('select 1/0'), bind(), execute, query('drop table t'), query('select 2'), sync, query('select 3'))
    expect(await agent.answers(2)).toBe('1 E22012 ZI T D C ZI')
  })

  it('does not read a text before it is known how the server reads it', async () => {
    const hidden = query("select '\\'; drop table t; --'")
    agent.send(query('set standard_conforming_strings = off'), hidden)
    expect(await agent.answers(2)).toBe('C ZI E42501 ZI')
    agent.send(query('set standard_conforming_strings = on'), query("select '\\'"), query('begin'))
    expect(await agent.answers(3)).toBe('C ZI T D C ZI C ZT')
    agent.send(parse('set local standard_conforming_strings = off'), bind(), execute, parse('select 1'), sync)
    expect(await agent.answers(1)).toBe('1 2 C E42501 ZE')
  })

  it('carries a CopyData of 192 MB in constant memory', async () => {
    agent.send(query('copy heap from stdin'))
    while (!(await agent.answers(0)).includes('G')) await once(agent.socket, 'data')
    const chunk = Buffer.alloc(1 << 20, 'x')
    const head = message('d').subarray(0, 5)
    head.writeInt32BE((192 << 20) + 4, 1)
    const before = process.memoryUsage()
    let most = 0
    const watch = setInterval(() => {
      const { arrayBuffers, external } = process.memoryUsage()
      most = Math.max(most, arrayBuffers + external - before.arrayBuffers - before.external)
    }, 5)
    agent.send(head)
    await agent.pour(chunk, 192)
    agent.send(message('f', 'enough\0'))
    expect(await agent.answers(1)).toBe('E57014 ZI')
    clearInterval(watch)
    expect(most).toBeLessThan(128 << 20)
    expect(gateway.actions[0]?.closing?.bytesUp).toBeGreaterThan(192 << 20)
  }, 30_000)

  it('holds no result for an agent that does not read', async () => {
    agent.socket.pause()
    agent.send(query("select repeat('x', 100000) from generate_series(1, 2000)"))
    const before = process.memoryUsage().arrayBuffers
    // the server is held up once every buffer on the way is full
    const isHeldUp = () => server.sql("select count(*) from pg_stat_activity where wait_event = 'ClientWrite'") === '1'
    while (!isHeldUp()) await new Promise((resolve) => setImmediate(resolve))
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(32 << 20)
    agent.isForgetful = true
    agent.socket.resume()
    while (agent.bytes < 200_000_000) await once(agent.socket, 'data')
  }, 30_000)

  it('tells an agent that its server was killed', async () => {
    agent.send(query('select pg_sleep(20)'))
    while (server.sql("select count(*) from pg_stat_activity where query like '%pg_sleep(20)%'") !== '2')
      await new Promise((resolve) => setImmediate(resolve))
    server.sql("select pg_terminate_backend(pid) from pg_stat_activity where query = 'select pg_sleep(20)'")
    expect(await agent.answers(1)).toMatch(/E57P01$/)
    expect(gateway.actions[0]?.closing?.status).toMatch(/57P01|error/)
  })

  it('has the server end what runs when the flow is cancelled', async () => {
    agent.send(query('select pg_sleep(20)'))
    const running = "select count(*) from pg_stat_activity where query = 'select pg_sleep(20)' and state = 'active'"
    while (server.sql(running) !== '1') await new Promise((resolve) => setImmediate(resolve))
    gateway.cancel()
    await gateway.idle()
    expect(gateway.dialled).toHaveLength(2)
    while (server.sql(running) !== '0') await new Promise((resolve) => setImmediate(resolve))
    expect(await agent.answers(0)).toMatch(/E57P01$/)
  })

  it('handles what came before the agent closed its side', async () => {
    agent.socket.allowHalfOpen = true
    agent.send(query('select 1'), query('drop table t'), query('select 2'))
    agent.socket.end()
    expect(await agent.answers(3)).toBe('T D C ZI E42501 ZI T D C ZI')
  })
})
