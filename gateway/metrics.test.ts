import { once } from 'node:events'
import { describe, expect, it } from 'vitest'
import { Metrics } from './metrics.ts'

describe('Metrics', () => {
  it('adds up counters and reads gauges at each snapshot', () => {
    using metrics = new Metrics()
    let open = 3
    metrics.count('flows')
    metrics.count('flows')
    metrics.count('bytes', 100)
    const forget = metrics.gauge('open', () => open)
    expect(metrics.snapshot()).toMatchObject({ counters: { bytes: 100, flows: 2 }, gauges: { open: 3 } })
    open = 4
    expect(metrics.snapshot().gauges).toEqual({ open: 4 })
    forget()
    expect(metrics.snapshot().gauges).toEqual({})
    expect(metrics.snapshot().rssBytes).toBeGreaterThan(1_000_000)
  })

  it('measures how long the event loop was held', async () => {
    using metrics = new Metrics()
    const ticks = new EventTarget()
    let left = 4
    const timer = setInterval(() => {
      left -= 1
      if (left === 2) {
        const until = performance.now() + 60
        while (performance.now() < until);
      }
      if (left === 0) ticks.dispatchEvent(new Event('done'))
    }, 15)
    await once(ticks, 'done')
    clearInterval(timer)
    expect(metrics.snapshot().eventLoopDelay.maxMs).toBeGreaterThan(30)
    metrics.reset()
    expect(metrics.snapshot().eventLoopDelay).toEqual({ p50Ms: 0, p99Ms: 0, maxMs: 0 })
  })

  it('takes no more names than a program writes', () => {
    using metrics = new Metrics()
    for (let at = 0; at < 1100; at += 1) metrics.count(`n${at}`)
    expect(Object.keys(metrics.snapshot().counters)).toHaveLength(1000)
  })
})
