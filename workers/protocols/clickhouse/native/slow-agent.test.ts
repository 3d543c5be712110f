import { describe, expect, it } from 'vitest'
import { aRule } from '../../../upstream/serving.fixture.ts'
import { ByteSink } from '../../../wire/clickhouse/byte-sink.ts'
import { cityHash128 } from '../../../wire/clickhouse/city-hash.ts'
import { blockStart } from '../../../wire/clickhouse/decode.fixture.ts'
import { startGateway } from './gateway.fixture.ts'
import { data, query, startAgent, startScripted } from './script.fixture.ts'

const turn = () => new Promise((resolve) => setImmediate(resolve))

/** Waits until a number has not changed for many turns of the event loop; the number. */
async function standing(count: () => number): Promise<number> {
  for (let last = -1, turns = 0; turns < 300; turns += 1) {
    if (count() !== last) [last, turns] = [count(), 0]
    await turn()
  }
  return count()
}

/** A frame of ZSTD with many MiB of zeros after a few bytes: blocks that say one byte and how often. */
function bomb(start: Buffer, zeros: number): Buffer {
  const block = (type: number, length: number, isLast = false) => {
    const head = Buffer.alloc(4)
    head.writeUInt32LE((length << 3) | (type << 1) | (isLast ? 1 : 0))
    return head.subarray(0, 3)
  }
  const most = 1 << 17
  const repeated = Array.from({ length: zeros / most }, (_, index) =>
    Buffer.concat([block(1, most, (index + 1) * most === zeros), Buffer.from([0])]),
  )
  const zstd = Buffer.concat([Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0xa0, 0, 0, 0, 0]), block(0, start.length), start])
  zstd.writeUInt32LE(start.length + zeros, 5)
  const body = Buffer.concat([Buffer.alloc(9), zstd, ...repeated])
  body[0] = 0x90
  body.writeUInt32LE(body.length, 1)
  body.writeUInt32LE(start.length + zeros, 5)
  return Buffer.concat([cityHash128(body), body])
}

describe('an agent that does not read', () => {
  it('is not told of more denials than it takes', async () => {
    await using server = await startScripted()
    const rules = [aRule('no-secrets', "'secrets' in sql.tables", 'x'.repeat(100_000))]
    await using gateway = await startGateway({ serverPort: server.port, rules })
    using agent = await startAgent(gateway.port)
    const asked = Buffer.concat([query('select 1 from secrets'), data(null)])
    for (let count = 0; count < 2000; count += 1) agent.write(asked)
    expect(await standing(() => gateway.actions.length)).toBeLessThan(1000)
    agent.socket.destroy()
    await gateway.idle()
    expect(gateway.actions.filter(({ closing }) => closing === null)).toEqual([])
  })

  it('has no more of a result kept for it than a few MiB, however small it was made on its way', async () => {
    const zeros = 8 << 20
    const start = blockStart(1, 1).text('x').text('String').byte(0).varint(zeros).whole()
    const packet = new ByteSink().varint(1).text('').raw(bomb(start, zeros)).whole()
    await using server = await startScripted(() => [Buffer.concat(Array.from({ length: 100 }, () => packet))])
    await using gateway = await startGateway({ serverPort: server.port })
    using agent = await startAgent(gateway.port)
    const { arrayBuffers } = process.memoryUsage()
    const noMore = new ByteSink().varint(2).text('').raw(blockStart(0, 0).whole()).whole()
    agent.write(Buffer.concat([query("select 'insert'", { isCompressed: false }), noMore]))
    while (!server.heard.includes('data 0')) await turn()
    const kept = () => process.memoryUsage().arrayBuffers - arrayBuffers
    await standing(() => Math.floor(kept() / zeros))
    expect(kept()).toBeLessThan(128 << 20)
    agent.socket.destroy()
    await gateway.idle()
    expect(gateway.actions.map(({ closing }) => closing?.error)).toEqual(['the agent closed the connection'])
  })
})
