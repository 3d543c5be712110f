import { describe, expect, it } from 'vitest'
import type { ActionView } from '../store/action-view.ts'
import { scratch } from '../store/scratch.fixture.ts'
import { aFlow, closed, opened, whole } from './events.fixture.ts'
import { Live } from './live.ts'
import { Recorder } from './recorder.ts'

const view = (seq: number) => ({ seq }) as ActionView

describe('Live', () => {
  it('tells every reader of every action as it ends, in order', async () => {
    await using place = scratch()
    using live = new Live()
    const recorder = new Recorder({ database: place.database, live })
    const [one, two] = [live.subscribe(), live.subscribe()]
    const begin = opened({ title: 'long' })
    await recorder.record(aFlow, [begin])
    await recorder.record(aFlow, whole({ title: 'short' }))
    await recorder.record(aFlow, [closed(begin.action.id)])
    await recorder.stop()
    live[Symbol.dispose]()
    const titles = async (feed: AsyncIterable<ActionView>) => {
      const seen: string[] = []
      for await (const { title } of feed) seen.push(title)
      return seen
    }
    expect(await Promise.all([titles(one), titles(two)])).toEqual([
      ['short', 'long'],
      ['short', 'long'],
    ])
  })

  it('drops and counts the oldest for a reader that is too slow, and holds up nobody', async () => {
    const live = new Live()
    const feed = live.subscribe(2)
    for (let seq = 1; seq <= 5; seq += 1) live.publish(view(seq))
    expect(feed.dropped).toBe(3)
    live[Symbol.dispose]()
    const seen: number[] = []
    for await (const { seq } of feed) seen.push(seq)
    expect(seen).toEqual([4, 5])
  })

  it('wakes a reader that waits, and forgets one that leaves', async () => {
    using live = new Live()
    const feed = live.subscribe()
    const next = (async () => {
      for await (const { seq } of feed) return seq
      return null
    })()
    live.publish(view(7))
    expect(await next).toBe(7)
    expect(live.readers).toBe(0)
  })

  it('gives a late reader of a closed bus an end at once', async () => {
    const live = new Live()
    live[Symbol.dispose]()
    for await (const late of live.subscribe()) expect(late).toBeNull()
    expect(live.readers).toBe(0)
  })
})
