import net from 'node:net'
import { describe, expect, it } from 'vitest'
import { aCredential, aRule, listen, type Serving } from '../../../upstream/serving.fixture.ts'
import { ByteSink } from '../../../wire/clickhouse/byte-sink.ts'
import { blockStart } from '../../../wire/clickhouse/decode.fixture.ts'
import { cancelPacket, endOfStreamPacket } from '../../../wire/clickhouse/encode.ts'
import { exceptionPacket } from '../../../wire/clickhouse/exception.ts'
import { framed } from '../../../wire/clickhouse/safe-frame.ts'
import { type GatewayParts, startGateway } from './gateway.fixture.ts'
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
  usual,
} from './script.fixture.ts'

const rules = [aRule('no-secrets', "'secrets' in sql.tables", 'secrets stay secret')]

interface Scene {
  readonly server: ScriptedServer
  readonly gateway: Serving
  readonly agent: ScriptedAgent
}

/** Plays a scene between an agent and a server; afterwards nothing is left open and nothing has failed. */
async function play(
  use: (scene: Scene) => Promise<void>,
  { answers = usual, ...parts }: { answers?: Answers } & Partial<GatewayParts> = {},
): Promise<Serving> {
  await using server = await startScripted(answers)
  const gateway = await startGateway({ serverPort: server.port, rules, ...parts })
  try {
    using agent = await startAgent(gateway.port)
    await use({ server, gateway, agent })
  } finally {
    await gateway[Symbol.asyncDispose]()
  }
  expect(gateway.faults).toEqual([])
  expect(gateway.actions.filter(({ closing }) => closing === null)).toEqual([])
  return gateway
}

const ask = (agent: ScriptedAgent, text: string, more?: Parameters<typeof query>[1]) =>
  agent.write(Buffer.concat([query(text, more), data(null)]))
const ends = /^exception 101 DB::Exception: clawpatrol ends the session: /

describe('an agent', () => {
  it('that cancels has its statement cancelled on the server, once', async () => {
    await play(
      async ({ server, agent }) => {
        ask(agent, 'select hang')
        while (!server.heard.includes('data 0')) await new Promise(setImmediate)
        agent.write(Buffer.concat([cancelPacket(), cancelPacket()]))
        expect(await agent.answer()).toEqual(['endOfStream'])
        ask(agent, 'select 1')
        expect(await agent.answer()).toEqual(['data 0', 'data 1', 'endOfStream'])
        expect(server.heard.filter((said) => said === 'cancel')).toEqual(['cancel'])
      },
      { answers: (text) => (text === 'select hang' ? 'hang' : usual(text)) },
    )
  })

  it('that cancels what is still judged is told so, and it is never sent', async () => {
    let decide: () => void = () => undefined
    const judging = new Promise<void>((resolve) => {
      decide = resolve
    })
    const { actions } = await play(
      async ({ server, agent }) => {
        ask(agent, 'insert into t values')
        agent.write(Buffer.concat([data(['a', 'b']), cancelPacket()]))
        expect(await agent.answer()).toEqual([expect.stringMatching(/^exception 394 .*cancelled before it was sent/)])
        decide()
        ask(agent, 'select 1')
        expect((await agent.answer()).at(-1)).toBe('endOfStream')
        expect(server.heard.slice(2)).toEqual(['select 1', 'data 0'])
      },
      { judging },
    )
    expect(actions.map(({ closing }) => [closing?.status, closing?.error])).toEqual([
      ['error', 'not sent: the agent did not wait for it'],
      ['SELECT 1', null],
    ])
  })

  it('that goes away while its statement is judged or runs leaves nothing behind', async () => {
    let decide: () => void = () => undefined
    const judging = new Promise<void>((resolve) => {
      decide = resolve
    })
    await play(
      async ({ server, gateway, agent }) => {
        ask(agent, 'select 1')
        agent.socket.destroy()
        await server.closed()
        decide()
        await gateway.idle()
        expect(server.heard.slice(2)).toEqual([])
      },
      { judging },
    )
    const { actions } = await play(
      async ({ server, gateway, agent }) => {
        ask(agent, 'select 1')
        while (!server.heard.includes('data 0')) await new Promise(setImmediate)
        agent.socket.destroy()
        await server.closed()
        await gateway.idle()
      },
      { answers: () => 'hang' },
    )
    expect(actions[0]?.closing).toMatchObject({ status: 'error', error: 'the agent closed the connection' })
  })

  it.each([
    [
      'sends blocks before any statement',
      new ByteSink().varint(2).text('').raw(blockStart(0, 0).whole()).whole(),
      /data comes where none was to be expected/,
    ],
    ['sends a packet nobody knows', Buffer.from([11]), /packet 11 of a client is not one that is understood/],
    ['sends a number without end', Buffer.alloc(12, 0xff), /longer than 9 bytes/],
  ])('that %s is told so, recorded, and cut off', async (_what, bytes, because) => {
    const { refused } = await play(async ({ server, agent }) => {
      agent.write(bytes)
      expect(await agent.answer()).toEqual([expect.stringMatching(ends)])
      expect(await agent.next()).toBe(null)
      expect(server.heard.slice(2)).toEqual([])
    })
    expect(refused).toEqual([{ title: 'a packet that cannot be read', reason: expect.stringMatching(because) }])
  })

  it('cannot smuggle a statement behind a block that is not what its checksum says', async () => {
    await play(async ({ server, agent }) => {
      ask(agent, 'select 1')
      await agent.answer()
      const frame = Buffer.concat([Buffer.alloc(16), Buffer.from([0x02, 10, 0, 0, 0, 1, 0, 0, 0, 0])])
      agent.write(Buffer.concat([query('insert into t values'), Buffer.from([2, 0]), frame]))
      agent.write(query('select 1 from secrets'))
      expect((await agent.answer()).at(-1)).toMatch(/checksum of a compressed frame is wrong/)
      expect(server.heard).not.toContain('select 1 from secrets')
    })
  })

  it('cannot pass for a server', async () => {
    const { refused } = await play(async ({ server, agent }) => {
      ask(agent, 'select 1', { secret: 'x' })
      expect(await agent.answer()).toEqual([expect.stringMatching(/^exception 497 .*secret of a cluster/)])
      ask(agent, 'select 1', { kind: 2 })
      expect(await agent.answer()).toEqual([expect.stringMatching(/^exception 497 .*query of another server/)])
      ask(agent, 'select 1', { kind: 1 })
      expect((await agent.answer()).at(-1)).toBe('endOfStream')
      expect(server.heard.slice(2)).toEqual(['select 1', 'data 0'])
    })
    expect(refused).toHaveLength(2)
  })

  it('with a text that is not kept whole is judged by what is known, and stays in step', async () => {
    const long = `select 1 from t where '${'x'.repeat(3 << 20)}' != ''`
    const { actions } = await play(async ({ server, agent }) => {
      ask(agent, long)
      expect(await agent.answer()).toEqual([expect.stringMatching(/^exception 497/)])
      ask(agent, 'select 2')
      expect((await agent.answer()).at(-1)).toBe('endOfStream')
      expect(server.heard.slice(2)).toEqual(['select 2', 'data 0'])
    })
    expect(actions[0]?.seen.unknowns.map(({ because }) => because)).toContain('truncated')
    await play(
      async ({ server, agent }) => {
        ask(agent, long)
        expect((await agent.answer()).at(-1)).toBe('endOfStream')
        expect(server.heard.slice(2)).toEqual([long.slice(0, 100), 'data 0'])
      },
      { rules: [] },
    )
  })

  it('cannot change how its statements are read: settings of another dialect leave them unknown', async () => {
    const last = [...rules, aRule('known', "sql.verb != '' && 'a' in sql.params && sql.params['a'] == 'b'", 'known')]
    const { actions } = await play(
      async ({ agent }) => {
        ask(agent, 'select 1', { params: { a: 'b' }, settings: { max_threads: '1' } })
        expect((await agent.answer()).at(-1)).toMatch(/^exception 497 .*: known \(rule "known"/)
        ask(agent, 'select 1', { settings: { dialect: 'kusto' } })
        expect((await agent.answer()).at(-1)).toMatch(/^exception 497 .*no-secrets/)
      },
      { rules: last },
    )
    expect(actions[0]?.seen.facts.sql).toMatchObject({ settings: { max_threads: '1' }, params: { a: 'b' } })
    const open = await play(
      async ({ agent }) => {
        for (const text of ["set dialect = 'kusto'", 'use other', 'select 1']) {
          ask(agent, text)
          expect((await agent.answer()).at(-1)).toBe('endOfStream')
        }
      },
      { rules: [] },
    )
    expect(open.actions.map(({ seen }) => seen.unknowns.map(({ path }) => path).includes('sql.verb'))).toEqual([
      true,
      true,
      true,
    ])
  })

  it.each([
    ['the name of a cluster', agentHello(' INTERSERVER SECRET '), /^exception 497 .*another server/],
    ['an old revision', agentHello('agent', 54000), /^exception 101 .*older than any/],
    ['HTTP', Buffer.from('GET / HTTP/1.1\r\n\r\n'), /^exception 101 .*does not begin with a Hello/],
  ])('that begins with %s is refused', async (_what, bytes, told) => {
    await using server = await startScripted()
    await using gateway = await startGateway({ serverPort: server.port })
    using agent = await startAgent(gateway.port, { isSilent: true })
    agent.write(bytes)
    expect(await agent.answer()).toEqual([expect.stringMatching(told)])
    expect(await agent.next()).toBe(null)
    expect(server.heard).toEqual([])
    expect(gateway.refused).toHaveLength(1)
  })
})

describe('a server', () => {
  it('that is gone in the middle of a statement ends the session in words', async () => {
    const { actions } = await play(
      async ({ agent }) => {
        ask(agent, 'select 1')
        expect(await agent.answer()).toEqual([expect.stringMatching(/^exception \d+ .*closed the connection/)])
        expect(await agent.next()).toBe(null)
      },
      { answers: () => 'close' },
    )
    expect(actions[0]?.closing).toMatchObject({ status: 'error', error: 'the server closed the connection' })
  })

  it('whose result cannot be followed has it passed on, and nothing after it', async () => {
    const strange = blockStart(1, 1).text('x').text('AggregateFunction(uniq, UInt8)').byte(0).raw(Buffer.from('state'))
    const block = new ByteSink().varint(1).text('').raw(framed(strange.whole())).whole()
    const { refused, actions } = await play(
      async ({ agent, server }) => {
        const came: Buffer[] = []
        agent.socket.removeAllListeners('readable')
        agent.socket.on('data', (chunk: Buffer) => came.push(chunk))
        const ended = new Promise((resolve) => agent.socket.once('end', resolve))
        ask(agent, 'select 1')
        const wanted = Buffer.concat([block, endOfStreamPacket()])
        while (Buffer.concat(came).length < wanted.length) await new Promise(setImmediate)
        expect(Buffer.concat(came)).toEqual(wanted)
        ask(agent, 'select 2')
        await ended
        expect(Buffer.concat(came).subarray(wanted.length).toString('latin1')).toContain('connect again')
        expect(server.heard).not.toContain('select 2')
      },
      { answers: () => [block, endOfStreamPacket()] },
    )
    expect(refused).toMatchObject([{ reason: expect.stringMatching(/AggregateFunction/) }])
    expect(actions[0]?.closing).toMatchObject({ status: 'error' })
  })

  it.each([
    ['rows', { rows: 5 }, 3],
    ['bytes', { bytes: 200 }, 3],
  ])('has a statement ended whose result breaks a limit of %s, at the block that does', async (which, limits, passed) => {
    const rows = data(
      ['a', 'b'].map((value) => value.repeat(20)),
      1,
    )
    const { actions } = await play(
      async ({ agent, server }) => {
        ask(agent, 'select 9')
        const got = await agent.answer()
        expect(got.slice(0, -1)).toEqual(['data 0', ...Array(passed - 1).fill('data 2')])
        expect(got.at(-1)).toMatch(new RegExp(`^exception 396 .*limit_${which} = \\d+ of rule "few"`))
        while (!server.heard.includes('cancel')) await new Promise(setImmediate)
        ask(agent, 'select 1 from again')
        expect((await agent.answer()).at(-1)).toBe('endOfStream')
      },
      {
        answers: (text) => (text === 'select 9' ? [header, rows, rows, rows, rows, rows] : [endOfStreamPacket()]),
        rules: [{ ...aRule('few', null), outcome: { do: 'allow', limits } }],
      },
    )
    expect(actions[0]?.closing).toMatchObject({ status: 'error', error: expect.stringContaining(`limit_${which}`) })
  })

  it.each([
    ['refuses the session', exceptionPacket(516, 'no, s3cr3t is wrong'), /^exception 516 .*no, \*\*\* is wrong/],
    [
      'says something else than Hello',
      Buffer.from('HTTP/1.1 400 Bad Request\r\n'),
      /^exception 210 .*not with a Hello/,
    ],
    ['closes', Buffer.alloc(0), /^exception 210 .*closed the connection before its Hello/],
  ])('that %s is quoted, without the secret', async (_what, bytes, told) => {
    const server = net.createServer((socket) => {
      socket.on('error', () => undefined)
      socket.once('data', () => socket.end(bytes))
    })
    const gateway = await startGateway({
      serverPort: await listen(server),
      credentials: [aCredential('app', 'clickhouse_credential', { settings: { user: 'app' } })],
      secrets: { app: { '': 's3cr3t' } },
    })
    using agent = await startAgent(gateway.port, { isSilent: true })
    agent.write(agentHello('agent'))
    expect(await agent.answer()).toEqual([expect.stringMatching(told)])
    agent.socket.destroy()
    await gateway[Symbol.asyncDispose]()
    server.close()
    expect(JSON.stringify(gateway.refused)).not.toContain('s3cr3t')
    expect(gateway.refused).toHaveLength(1)
  })
})
