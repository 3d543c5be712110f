import { once } from 'node:events'
import net from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { SearchPath } from '../../wire/sql/search-path.ts'
import { message, messagesIn } from './backend.fixture.ts'
import { errorParts } from './backend.ts'
import { pump } from './pump.ts'
import { statementCache } from './runtime.ts'
import { aRule, type Gateway, startGateway } from './session.fixture.ts'

const usual = new Map([
  ['client_encoding', 'UTF8'],
  ['standard_conforming_strings', 'on'],
])
const row = message('D', Buffer.concat([Buffer.from([0, 1, 0, 0, 16, 0]), Buffer.alloc(4096)]))

/** A server that gives rows without end, whatever it is asked to do. */
class EndlessServer {
  readonly server: net.Server
  sessions: net.Socket[] = []
  cancelled = 0

  constructor() {
    this.server = net.createServer({ allowHalfOpen: true }, (socket) => {
      this.sessions.push(socket)
      socket.on('error', () => undefined)
      socket.on('end', () => socket.end())
      socket.on('data', (chunk: Buffer) => {
        if (chunk.length === 16) {
          this.cancelled += 1
          socket.end()
        } else if (chunk[0] === 0x51) {
          const pour = () => {
            while (!socket.destroyed && socket.write(row));
          }
          socket.on('drain', pour)
          pour()
        }
      })
    })
  }
}

describe('a statement with limits on a server that does not end it', () => {
  const endless = new EndlessServer()
  let gateway: Gateway
  let hasKey = true
  let isReachable = true

  beforeAll(async () => {
    const cache = await statementCache()
    endless.server.listen(0, '127.0.0.1')
    await once(endless.server, 'listening')
    gateway = await startGateway({
      serve: async (session) => {
        const upstream = await session.dial({ host: 'db.test', port: 5432 })
        const facts = { database: 'd', user: 'u', credential: null, path: new SearchPath(), recordsParams: false }
        const refused = { ...session, dial: () => Promise.reject(new Error('refused')) }
        await pump({
          session: isReachable ? session : refused,
          agent: session.client,
          upstream,
          parameters: usual,
          facts,
          cache,
          transaction: 'I',
          cancelKey: hasKey ? Buffer.alloc(8) : null,
        })
      },
      settings: { host: 'db.test:5432', sslmode: 'disable' },
      serverPort: (endless.server.address() as net.AddressInfo).port,
      rules: [{ ...aRule('few', null), outcome: { do: 'allow', limits: { rows: 3 } } }],
    })
  })
  afterEach(async () => {
    vi.useRealTimers()
    for (const socket of endless.sessions.splice(0)) socket.destroy()
    await gateway.idle()
    expect(gateway.faults).toEqual([])
    expect(gateway.actions.filter(({ closing }) => closing === null)).toEqual([])
  })
  afterAll(async () => {
    await gateway?.[Symbol.asyncDispose]()
    endless.server.close()
  })

  /** Letters of what an agent gets, with the code of the error. */
  async function asked(whileWaiting: () => Promise<void> = async () => undefined): Promise<string> {
    const agent = net.connect(gateway.port, '127.0.0.1')
    const got: Buffer[] = []
    agent.on('data', (chunk: Buffer) => void got.push(chunk))
    agent.write(message('Q', 'select 1\0'))
    const closed = once(agent, 'close')
    await whileWaiting()
    await closed
    return messagesIn(Buffer.concat(got))
      .map((each) => (each[0] === 0x45 ? `E${errorParts(each.subarray(5)).code}` : String.fromCharCode(each[0] ?? 0)))
      .join(' ')
  }

  it('ends the session where the server gave no key to cancel by', async () => {
    hasKey = false
    expect(await asked()).toBe('D D D E54000')
    hasKey = true
  })

  it('ends the session where the server cannot be asked', async () => {
    isReachable = false
    expect(await asked()).toBe('D D D E54000')
    isReachable = true
  })

  it('ends the session some time after it was asked', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const before = endless.cancelled
    const got = await asked(async () => {
      while (endless.cancelled === before || vi.getTimerCount() === 0) await turn()
      // the deadline of the request to cancel comes and goes
      for (let each = 0; each < 50; each += 1) await turn()
      await vi.advanceTimersByTimeAsync(11_000)
    })
    expect(got).toBe('D D D E54000')
    expect(gateway.actions.at(-1)?.closing?.status).toBe('error')
  })
})

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
