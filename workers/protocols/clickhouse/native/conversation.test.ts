import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { aRule } from '../../../upstream/serving.fixture.ts'
import { cancelPacket } from '../../../wire/clickhouse/encode.ts'
import { startGateway } from './gateway.fixture.ts'
import { data, query, startAgent, startScripted } from './script.fixture.ts'

const rules = [aRule('no-secrets', "'secrets' in sql.tables", 'secrets stay secret')]
const ping = Buffer.from([4])

/** One thing an agent does, what the server hears of it, and what the agent is answered. */
interface Step {
  readonly said: Buffer
  readonly heard: readonly string[]
  readonly answered: readonly string[]
}

const denied = 'exception 497'
const blocks = fc.array(fc.integer({ min: 1, max: 3 }), { maxLength: 3 })
const rowsOf = (count: number) => Array.from({ length: count }, (_, index) => `v${index}`)
const inserted = (counts: readonly number[]) => counts.map((count) => data(rowsOf(count)))

const anyStep: fc.Arbitrary<Step> = fc.oneof(
  fc.integer({ min: 0, max: 4 }).map((rows) => ({
    said: Buffer.concat([query(`select ${rows} from t`), data(null)]),
    heard: [`select ${rows} from t`, 'data 0'],
    answered: ['data 0', `data ${rows}`, 'endOfStream'],
  })),
  blocks.map((counts) => ({
    said: Buffer.concat([query('insert into t values'), data(null), ...inserted(counts), data(null)]),
    heard: ['insert into t values', 'data 0', ...counts.map((count) => `data ${count}`), 'data 0'],
    answered: ['data 0', 'endOfStream'],
  })),
  blocks.map((counts) => ({
    said: Buffer.concat([query('insert into secrets values'), data(null), ...inserted(counts), data(null)]),
    heard: [],
    answered: [denied],
  })),
  fc.constantFrom(
    { said: Buffer.concat([query('select 1 from secrets'), data(null)]), heard: [], answered: [denied] },
    {
      said: Buffer.concat([query('select 2 from t'), data(['a', 'b'], 2, 'mine'), data(null)]),
      heard: ['select 2 from t', 'data 2', 'data 0'],
      answered: ['data 0', 'data 2', 'endOfStream'],
    },
    {
      said: Buffer.concat([query('describe nothing'), data(null)]),
      heard: ['describe nothing', 'data 0'],
      answered: ['exception 60'],
    },
    { said: ping, heard: ['ping'], answered: ['pong'] },
    { said: Buffer.from([5, 1, 1, 0x64, 1, 0x74]), heard: ['tablesStatus'], answered: ['tablesStatus'] },
  ),
)

describe('a conversation', () => {
  it('stays in step with a model, whatever is allowed and denied, waited for or sent ahead, cut anywhere', async () => {
    await using server = await startScripted()
    await using gateway = await startGateway({ serverPort: server.port, rules })
    const cuts = fc.array(fc.nat({ max: 400 }), { maxLength: 6 })
    await fc.assert(
      fc.asyncProperty(fc.array(anyStep, { maxLength: 8 }), fc.boolean(), cuts, async (steps, waits, positions) => {
        server.heard.length = 0
        using agent = await startAgent(gateway.port)
        const all = steps.flatMap(({ answered }) => answered)
        if (!waits) await writeCut(agent, Buffer.concat(steps.map(({ said }) => said)), positions)
        const got: string[] = []
        for (const { said, answered } of steps) {
          if (waits) await writeCut(agent, said, positions)
          for (const _ of answered) got.push((await agent.next())?.replace(/^(exception \d+).*/, '$1') ?? 'closed')
          // one that comes late meets nothing
          if (waits) agent.write(cancelPacket())
        }
        expect(got).toEqual(all)
        expect(server.heard.filter((said) => !/^(hello|addendum)/.test(said))).toEqual(
          steps.flatMap(({ heard }) => heard),
        )
      }),
      { numRuns: 120 },
    )
    await gateway.settled()
    expect(gateway.refused).toEqual([])
  })
})

async function writeCut(agent: { write(bytes: Buffer): void }, bytes: Buffer, positions: readonly number[]) {
  const cuts = [...new Set(positions)].filter((at) => at > 0 && at < bytes.length).sort((one, other) => one - other)
  let from = 0
  for (const to of [...cuts, bytes.length]) {
    agent.write(bytes.subarray(from, to))
    from = to
    await new Promise(setImmediate)
  }
}
