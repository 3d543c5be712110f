import net from 'node:net'
import tls from 'node:tls'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { makePki, type Pki } from '../../../upstream/pki.fixture.ts'
import { listen, type Serving } from '../../../upstream/serving.fixture.ts'
import { addendum, endOfStreamPacket } from '../../../wire/clickhouse/encode.ts'
import { newestRevision } from '../../../wire/clickhouse/revisions.ts'
import { startGateway } from './gateway.fixture.ts'
import {
  type Answers,
  agentHello,
  data,
  header,
  query,
  type ScriptedAgent,
  type ScriptedServer,
  startAgent,
  startScripted,
} from './script.fixture.ts'

/** A listener that joins each connection to another one, with TLS on one side, which can be cut off. */
interface Link extends AsyncDisposable {
  readonly port: number
  /** Ends what carries TLS, or breaks it, without a word of TLS. */
  cut(how: 'end' | 'resetAndDestroy'): void
}

async function startLink(join: (near: net.Socket) => { raw: net.Socket; pair: readonly net.Socket[] }): Promise<Link> {
  const raws: net.Socket[] = []
  const all = new Set<net.Socket>()
  const server = net.createServer({ allowHalfOpen: true }, (near) => {
    const { raw, pair } = join(near)
    raws.push(raw)
    for (const socket of [near, raw, ...pair]) all.add(socket.on('error', () => undefined))
    const [one, other] = pair
    if (one !== undefined && other !== undefined) one.pipe(other).pipe(one)
  })
  return {
    port: await listen(server),
    cut(how) {
      for (const raw of raws) raw[how]()
    },
    async [Symbol.asyncDispose]() {
      for (const socket of all) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

interface Scene {
  readonly agent: ScriptedAgent
  readonly server: ScriptedServer
  readonly gateway: Serving
  readonly toAgent: Link
  readonly toServer: Link
}

const ways = ['end', 'resetAndDestroy'] as const

describe('a session whose TLS is cut off', () => {
  let pki: Pki
  beforeAll(() => {
    pki = makePki(['ch.test'])
  })
  afterAll(() => pki?.[Symbol.dispose]())

  /** Afterwards nothing is left open and nothing has failed. */
  async function play(answers: Answers, use: (scene: Scene) => Promise<void>): Promise<Serving> {
    const { key, chain: cert } = pki.server
    await using server = await startScripted(answers)
    await using toServer = await startLink((raw) => {
      const secure = new tls.TLSSocket(raw, { isServer: true, key, cert })
      return { raw, pair: [secure, net.connect(server.port, '127.0.0.1')] }
    })
    await using gateway = await startGateway({
      serverPort: toServer.port,
      settings: { tls: true, ca_cert: pki.ca },
      certificate: pki.server,
    })
    await using toAgent = await startLink((near) => {
      const raw = net.connect(gateway.port, '127.0.0.1')
      return { raw, pair: [near, tls.connect({ socket: raw, servername: 'ch.test', ca: pki.ca })] }
    })
    using agent = await startAgent(toAgent.port)
    await use({ agent, server, gateway, toAgent, toServer })
    await gateway.idle()
    expect(gateway.faults).toEqual([])
    expect(gateway.actions.filter(({ closing }) => closing === null)).toEqual([])
    return gateway
  }

  it.each(ways)('by the server never ends a result (%s)', async (how) => {
    const half = data(['a', 'b'.repeat(1000)], 1)
    const answers: Answers = () => [header, data(['whole'], 1), half.subarray(0, half.length - 5)]
    const { actions } = await play(answers, async ({ agent, toServer }) => {
      agent.write(Buffer.concat([query('select 1'), data(null)]))
      expect([await agent.next(), await agent.next()]).toEqual(['data 0', 'data 1'])
      toServer.cut(how)
      expect((await agent.answer()).at(-1)).toMatch(/^closed|exception 101 .*the server closed the connection/)
    })
    expect(actions[0]?.closing).toMatchObject({ status: 'error', error: 'the server closed the connection' })
  })

  it.each(ways)('by the server between statements closes the connection of the agent (%s)', async (how) => {
    await play(
      () => 'hang',
      async ({ agent, toServer }) => {
        toServer.cut(how)
        expect(await agent.next()).toBe(null)
      },
    )
  })

  it.each(ways)('by the agent in the middle of INSERT does not end it (%s)', async (how) => {
    const { actions } = await play(
      () => 'insert',
      async ({ agent, server, toAgent }) => {
        agent.write(Buffer.concat([query('insert into t values'), data(null)]))
        expect(await agent.next()).toBe('data 0')
        agent.write(Buffer.concat([data(['a']), data(['b', 'c']).subarray(0, -1)]))
        while (!server.heard.includes('data 1')) await new Promise(setImmediate)
        toAgent.cut(how)
        await server.closed()
        expect(server.heard.slice(2)).toEqual(['insert into t values', 'data 0', 'data 1'])
      },
    )
    expect(actions[0]?.closing).toMatchObject({ status: 'error', error: 'the agent closed the connection' })
  })
})

describe('a server', () => {
  it('that does not say which database a session has is not waited for for ever', async () => {
    await using server = await startScripted(() => 'hang')
    await using gateway = await startGateway({ serverPort: server.port })
    using agent = await startAgent(gateway.port, { isSilent: true })
    agent.write(Buffer.concat([agentHello('agent', newestRevision, ''), addendum(newestRevision, '')]))
    expect(await agent.next()).toBe('hello')
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    try {
      agent.write(Buffer.concat([query('select 1'), data(null)]))
      while (!server.heard.includes('SELECT currentDatabase()')) await new Promise(setImmediate)
      await vi.advanceTimersByTimeAsync(20_000)
    } finally {
      vi.useRealTimers()
    }
    expect(await agent.answer()).toEqual([expect.stringMatching(/^exception 101 .*did not say in time which database/)])
    agent.socket.destroy()
    await gateway.idle()
    expect([gateway.actions, gateway.faults]).toEqual([[], []])
  })

  it('that sends rows nobody asked for ends the session: they would be held to no limit', async () => {
    const twice = () => [header, endOfStreamPacket(), data(['more'], 1), endOfStreamPacket()]
    await using server = await startScripted(twice)
    await using gateway = await startGateway({ serverPort: server.port })
    using agent = await startAgent(gateway.port)
    agent.write(Buffer.concat([query('select 1'), data(null)]))
    expect(await agent.answer()).toEqual(['data 0', 'endOfStream'])
    expect(await agent.answer()).toEqual([expect.stringMatching(/^exception 101 .*rows unasked/)])
    agent.socket.destroy()
    await gateway.idle()
    expect(gateway.actions.map(({ closing }) => closing?.status)).toEqual(['SELECT 0'])
  })
})
