import { afterEach, describe, expect, it } from 'vitest'
import { aProfile, type PoolLab, startPoolLab } from './fixtures/pool-lab.ts'

const quick = { watchdog: { everyMs: 100, maxMissed: 10 } }
const lean = { watchdog: { everyMs: 50, maxMissed: 100, maxExternalBytes: 100_000_000 } }

describe('a fault in one decoder', () => {
  let lab: PoolLab | undefined

  afterEach(async () => {
    await lab?.[Symbol.asyncDispose]()
    lab = undefined
  })

  it.each([
    ['spin', 'stuck', quick],
    ['heap', expect.stringMatching('crashed|stuck'), quick],
    ['crash', 'crashed', quick],
    ['buffers 120000000', 'bloated', lean],
  ])('that makes it %s ends the flows of its thread and harms no other profile', async (line, kind, options) => {
    lab = await startPoolLab([aProfile('a'), aProfile('b')], options)
    const [sick, neighbour, other] = [await lab.open('a'), await lab.open('a'), await lab.open('b')]
    for (const flow of [sick, neighbour, other]) await flow.ask('echo ready')
    await neighbour.ask('judge open')
    sick.peer.write(`${line}\n`)
    expect(await sick.report).toMatchObject({ endedBy: 'fault', fault: { code: 'CP_INTERNAL' } })
    expect(await neighbour.report).toMatchObject({ endedBy: 'fault' })
    // what the thread left open is closed in the record
    expect(lab.events.filter(({ flow }) => flow?.id === neighbour.id).map(({ event }) => event)).toMatchObject([
      { kind: 'opened', action: { title: 'open' } },
      { kind: 'closed', status: 'error', error: 'the worker thread ended' },
    ])
    expect(lab.faults).toMatchObject([{ kind, profile: 'a' }])
    expect(await other.ask('echo untouched')).toEqual({ value: 'untouched' })
    const next = await lab.open('a')
    expect(await next.ask('echo again')).toEqual({ value: 'again' })
  })

  it('answers the other profile without delay while one spins', async () => {
    lab = await startPoolLab([aProfile('a'), aProfile('b')], { watchdog: { everyMs: 200, maxMissed: 5 } })
    const [sick, other] = [await lab.open('a'), await lab.open('b')]
    await sick.ask('echo ready')
    await other.ask('echo ready')
    sick.peer.write('spin\n')
    let slowestMs = 0
    let isOver = false
    void sick.report.then(() => {
      isOver = true
    })
    while (!isOver) {
      const asked = performance.now()
      await other.ask('echo now')
      slowestMs = Math.max(slowestMs, performance.now() - asked)
    }
    // the one that spins is ended after a second: whoever had to wait for that would show it
    expect(slowestMs).toBeLessThan(700)
  })

  it('that a thread reports is kept to its flow', async () => {
    lab = await startPoolLab([aProfile('a')], quick)
    const [sick, neighbour] = [await lab.open('a'), await lab.open('a')]
    expect(await sick.ask('throw')).toMatchObject({ message: 'Error: thrown' })
    sick.peer.destroy()
    expect(await sick.report).toMatchObject({ endedBy: 'peer', fault: null })
    expect(await neighbour.ask('echo fine')).toEqual({ value: 'fine' })
    expect(lab.faults).toEqual([])
  })

  it('that keeps threads from starting refuses flows and does not start them for ever', async () => {
    lab = await startPoolLab([aProfile('a', { limits: { ...aProfile('a').limits, heapMb: 1 } })], quick)
    const flow = await lab.open('a')
    expect(await flow.report).toMatchObject({ endedBy: 'fault' })
    const next = await lab.open('a')
    expect(await next.report).toMatchObject({ endedBy: 'fault' })
    expect(lab.pools.stats()).toEqual([])
    expect(lab.faults.length).toBeLessThan(10)
  })
})
