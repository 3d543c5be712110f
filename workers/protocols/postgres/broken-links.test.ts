import { once } from 'node:events'
import net from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { message } from './backend.fixture.ts'
import { query, RawAgent } from './raw-agent.fixture.ts'
import { postgres } from './runtime.ts'
import { makePki, type Pki, type PostgresServer, postgresPrograms, startServer } from './server.fixture.ts'
import { type Gateway, startGateway } from './session.fixture.ts'

const programs = postgresPrograms('broken connections of PostgreSQL sessions')
const big = "select repeat('x', 100000) from generate_series(1, 2000)"

const turn = () => new Promise((resolve) => setImmediate(resolve))

/** The way to a server, on which something may happen. */
class Line {
  readonly port: Promise<number>
  readonly #server: net.Server
  readonly #pairs: { readonly near: net.Socket; readonly far: net.Socket }[] = []

  constructor(to: number) {
    this.#server = net.createServer({ allowHalfOpen: true }, (near) => {
      const far = net.connect({ port: to, host: '127.0.0.1', allowHalfOpen: true })
      for (const socket of [near, far]) socket.on('error', () => undefined)
      near.pipe(far).pipe(near)
      this.#pairs.push({ near, far })
    })
    this.port = once(this.#server.listen(0, '127.0.0.1'), 'listening').then(
      () => (this.#server.address() as net.AddressInfo).port,
    )
  }

  /** Ends what leads to the gateway, without a word of TLS. */
  cut(): void {
    for (const { near, far } of this.#pairs) {
      far.unpipe(near)
      near.end()
    }
  }

  /** Nothing gets through any more, and nobody is told. */
  freeze(): void {
    for (const { near, far } of this.#pairs) {
      near.unpipe(far).resume()
      far.unpipe(near).resume()
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { near, far } of this.#pairs) {
      near.destroy()
      far.destroy()
    }
    await new Promise((resolve) => this.#server.close(resolve))
  }
}

describe.skipIf(programs === null)('a session whose connections break', () => {
  let pki: Pki
  let server: PostgresServer
  let gateway: Gateway
  let agent: RawAgent
  let line: Line

  beforeAll(async () => {
    if (programs === null) return
    pki = makePki()
    const setup = 'CREATE TABLE t (a text)'
    server = await startServer(programs, { setup, certificate: pki.issue('db.test') })
  })
  afterAll(() => {
    server?.[Symbol.dispose]()
    pki?.[Symbol.dispose]()
  })
  afterEach(async () => {
    agent.socket.destroy()
    await line[Symbol.asyncDispose]()
    await gateway.idle()
    await gateway[Symbol.asyncDispose]()
    expect(gateway.faults).toEqual([])
    expect(gateway.actions.filter(({ closing }) => closing === null)).toEqual([])
    expect(server.sql('select count(*) from t')).toBe('0')
  })

  async function open(hasTls: boolean): Promise<void> {
    line = new Line(server.port)
    const { cert, key } = pki.issue('db.test')
    gateway = await startGateway({
      serve: (session) => postgres.serve(session),
      settings: { host: 'db.test:5432', sslmode: hasTls ? 'require' : 'disable' },
      serverPort: await line.port,
      certificate: { key, chain: cert, renewAt: 0 },
      targetName: 'db.test',
    })
    agent = new RawAgent(gateway.port, hasTls)
    expect(await agent.answers(1)).toBe('ZI')
  }

  async function beginCopy(): Promise<void> {
    agent.send(query('copy t from stdin'))
    while (!(await agent.answers(0)).includes('G')) await once(agent.socket, 'data')
    agent.send(message('d', 'one row\n'))
  }

  const closed = async () => {
    if (!agent.socket.closed) await once(agent.socket, 'close')
  }
  const copying = "select count(*) from pg_stat_activity where query = 'copy t from stdin' and state = 'active'"
  const until = async (text: string, wanted: string) => {
    while (server.sql(text) !== wanted) await turn()
  }

  it.each([true, false])('never ends a result that was cut off (TLS: %s)', async (hasTls) => {
    await open(hasTls)
    agent.send(query(big))
    while (agent.bytes < 1_000_000) await once(agent.socket, 'data')
    line.cut()
    await closed()
    expect(await agent.answers(1)).toMatch(/^T( D)*$/)
    expect(gateway.actions.at(-1)?.closing).toMatchObject({
      status: 'error',
      error: 'the server closed the connection',
    })
  })

  it.each([true, false])('tells an agent that its server went away between statements (TLS: %s)', async (hasTls) => {
    await open(hasTls)
    line.cut()
    await closed()
    expect(await agent.answers(1)).toBe('E08006')
  })

  it.each([true, false])('takes nothing of a COPY whose agent was cut off (TLS: %s)', async (hasTls) => {
    await open(hasTls)
    await beginCopy()
    agent.raw.end()
    await closed()
    await until(copying, '0')
    expect(gateway.actions.at(-1)?.closing?.status).not.toBe('COPY 1')
  })

  it('takes nothing of a COPY whose message was cut off', async () => {
    await open(true)
    await beginCopy()
    agent.send(message('d', 'two\nrows\n').subarray(0, 8))
    agent.raw.destroy()
    await until(copying, '0')
  })

  it('does not wait for ever for a server that is silent when the agent has gone', async () => {
    await open(false)
    agent.send(query('select pg_sleep(0)'))
    expect(await agent.answers(1)).toBe('T D C ZI')
    line.freeze()
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    try {
      agent.send(query('select 1'))
      while (gateway.actions.length < 2) await turn()
      agent.socket.end()
      let isOver = false
      const over = gateway.idle().then(() => {
        isOver = true
      })
      while (vi.getTimerCount() === 0) await turn()
      await vi.advanceTimersByTimeAsync(9000)
      for (let each = 0; each < 20; each += 1) await turn()
      expect(isOver).toBe(false)
      await vi.advanceTimersByTimeAsync(2000)
      await over
    } finally {
      vi.useRealTimers()
    }
    expect(gateway.actions.at(-1)?.closing).toMatchObject({ status: 'error', error: 'the agent closed the connection' })
  })

  it('holds little for a server that stops reading, and lets go of it', async () => {
    await open(false)
    await beginCopy()
    const pid = Number(server.sql("select pid from pg_stat_activity where query = 'copy t from stdin'"))
    process.kill(pid, 'SIGSTOP')
    try {
      const { arrayBuffers, external } = process.memoryUsage()
      const rows = message('d', Buffer.alloc(1 << 20, 'x\n'))
      // all buffers on the way are full once nothing was taken for a while
      let waited = 0
      let sent = 0
      while (waited < 2000 && sent < 200) {
        if (agent.socket.writableNeedDrain) {
          waited += 1
          await turn()
          continue
        }
        waited = 0
        sent += 1
        agent.send(rows)
      }
      expect(sent).toBeLessThan(200)
      const now = process.memoryUsage()
      expect(now.arrayBuffers + now.external - arrayBuffers - external).toBeLessThan(64 << 20)
      gateway.cancel()
      await gateway.idle()
    } finally {
      process.kill(pid, 'SIGCONT')
    }
    await until(copying, '0')
  })
})
