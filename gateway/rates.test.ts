import { describe, expect, it } from 'vitest'
import type { DeviceId, ProfileName } from '../workers/contract/ids.ts'
import type { RateCounter } from '../workers/contract/verdict.ts'
import { Rates } from './rates.ts'
import { SlidingCount } from './sliding-count.ts'

const alice = { device: 'alice' as DeviceId, profile: 'work' as ProfileName }
const bob = { device: 'bob' as DeviceId, profile: 'work' as ProfileName }
const thread = {}
const ten = (name: string, per: RateCounter['per'] = 'device'): RateCounter => ({ name, windowMs: 600_000, per })
const failing = (code: string) => expect.objectContaining({ code })

async function pass(rates: Rates, counter: RateCounter, whose = alice): Promise<number> {
  const { ticket, counts } = await rates.read([counter], whose, thread)
  rates.settle(thread, ticket, [true])
  return counts[0] ?? Number.NaN
}

describe('Rates', () => {
  it('counts what was settled as counted, per device or per profile', async () => {
    using rates = new Rates()
    expect([await pass(rates, ten('n')), await pass(rates, ten('n')), await pass(rates, ten('n'), bob)]).toEqual([
      0, 1, 0,
    ])
    const all = ten('n', 'profile')
    expect([await pass(rates, all), await pass(rates, all, bob), await pass(rates, ten('other'))]).toEqual([0, 1, 0])
  })

  it('does not count what was settled as not counted', async () => {
    using rates = new Rates()
    const { ticket } = await rates.read([ten('a'), ten('b')], alice, thread)
    rates.settle(thread, ticket, [false, true])
    expect([await pass(rates, ten('a')), await pass(rates, ten('b'))]).toEqual([0, 1])
  })

  it('lets of any number at once exactly so many pass as the limit says', async () => {
    using rates = new Rates()
    const tries = Array.from({ length: 200 }, async (_, index) => {
      const whose = { ticket: 0, holder: { index } }
      const { ticket, counts } = await rates.read([ten('b', 'profile'), ten('a')], alice, whose.holder)
      const isAllowed = (counts[0] ?? 3) < 3
      await new Promise((resolve) => setImmediate(resolve))
      rates.settle(whose.holder, ticket, [isAllowed, isAllowed])
      return isAllowed
    })
    expect((await Promise.all(tries)).filter((isAllowed) => isAllowed)).toHaveLength(3)
  })

  it('never waits in a ring, whatever the order counters are asked in', async () => {
    using rates = new Rates()
    const [a, b] = [ten('a'), ten('b')]
    const tries = Array.from({ length: 50 }, async (_, index) => {
      const { ticket } = await rates.read(index % 2 === 0 ? [a, b] : [b, a], alice, thread)
      rates.settle(thread, ticket, [true, true])
    })
    await Promise.all(tries)
    expect([await pass(rates, a), await pass(rates, b)]).toEqual([50, 50])
  })

  it('counts what nobody settles in time, and lets the next read', async () => {
    using rates = new Rates({ lockMs: 5 })
    const { ticket } = await rates.read([ten('n')], alice, thread)
    expect(await pass(rates, ten('n'))).toBe(1)
    // too late: it counts already
    rates.settle(thread, ticket, [false])
    expect(await pass(rates, ten('n'))).toBe(2)
  })

  it('counts what a thread had read when it ended, and forgets what it waited for', async () => {
    using rates = new Rates()
    const gone = {}
    await rates.read([ten('n')], alice, gone)
    const waiting = rates.read([ten('n')], alice, gone)
    const other = pass(rates, ten('n'))
    rates.release(gone)
    await expect(waiting).rejects.toEqual(failing('CP_CANCELLED'))
    expect(await other).toBe(1)
  })

  it('is settled by whom it was read for alone', async () => {
    using rates = new Rates({ lockMs: 20 })
    const { ticket } = await rates.read([ten('n')], alice, thread)
    rates.settle({}, ticket, [false])
    expect(await pass(rates, ten('n'))).toBe(1)
  })

  it('gives up after its time, and turns away whom there is no room for', async () => {
    using rates = new Rates({ waitMs: 5, mostWaiting: 1 })
    const { ticket } = await rates.read([ten('n')], alice, thread)
    const waiting = rates.read([ten('n')], alice, thread)
    await expect(rates.read([ten('n')], alice, thread)).rejects.toEqual(failing('CP_LIMIT'))
    await expect(waiting).rejects.toEqual(failing('CP_TIMEOUT'))
    rates.settle(thread, ticket, [false])
    expect(await pass(rates, ten('n'))).toBe(0)
  })

  it('serves devices in turn: one that floods a counter of the profile keeps no other waiting', async () => {
    using rates = new Rates({ mostWaiting: 100 })
    const shared = ten('n', 'profile')
    const order: string[] = []
    const read = async (whose: typeof alice) => {
      const { ticket } = await rates.read([shared], whose, thread)
      order.push(whose.device)
      await new Promise((resolve) => setImmediate(resolve))
      rates.settle(thread, ticket, [false])
    }
    const flood = Array.from({ length: 300 }, () => read(alice).catch((error: unknown) => error))
    const honest = [read(bob), read(bob)]
    await Promise.all(honest)
    expect(order.slice(0, 5).filter((device) => device === 'bob').length).toBe(2)
    expect((await Promise.all(flood)).filter((error) => error !== undefined)).toHaveLength(199)
  })

  it('keeps profiles apart whose names have spaces', async () => {
    using rates = new Rates()
    const whose = { device: 'd' as DeviceId, profile: 'a' as ProfileName }
    const other = { device: 'd' as DeviceId, profile: 'a profile 600000 b' as ProfileName }
    await pass(rates, ten('b profile 600000 c', 'profile'), whose)
    expect(await pass(rates, ten('c', 'profile'), other)).toBe(0)
  })

  it('holds so many counters and says of others that it cannot tell, until some stand at zero', async () => {
    let now = 0
    using rates = new Rates({ mostCounters: 2, now: () => now })
    await pass(rates, ten('a'))
    await pass(rates, ten('b'))
    expect(await pass(rates, ten('c'))).toBe(-1)
    now = 600_000
    expect([await pass(rates, ten('c')), rates.size]).toEqual([0, 1])
  })
})

describe('SlidingCount', () => {
  it('forgets after its window, and never earlier', () => {
    const count = new SlidingCount(60_000)
    count.add(500)
    count.add(30_000)
    expect([count.at(60_499), count.at(60_500), count.at(89_999), count.at(90_000)]).toEqual([2, 1, 1, 0])
  })

  it('keeps what came close together as long as the last of it', () => {
    const count = new SlidingCount(60_000)
    count.add(1000)
    count.add(1999)
    expect([count.at(61_500), count.at(61_999)]).toEqual([2, 0])
  })

  it('holds any number of events', () => {
    const count = new SlidingCount(60_000)
    for (let at = 0; at < 120_000; at += 7) count.add(at)
    // exact to one 60th
    expect(count.at(120_000)).toBeGreaterThanOrEqual(8571)
    expect(count.at(120_000)).toBeLessThanOrEqual(8571 + 143)
  })
})
