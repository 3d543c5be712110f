import { describe, expect, it } from 'vitest'
import { actionsOf } from '../store/actions.ts'
import { openReadOnly } from '../store/database.ts'
import { scratch } from '../store/scratch.fixture.ts'
import { aFlow, closed, denied, opened, whole } from './events.fixture.ts'
import { follow } from './follow.ts'
import { Recorder } from './recorder.ts'

describe('follow()', () => {
  it('tells of records as they end, of a long one while it is open and again at its end', async () => {
    await using place = scratch()
    const recorder = new Recorder({ database: place.database })
    await recorder.record(aFlow, whole({ title: 'before' }))
    const reader = openReadOnly(place.dir)
    const actions = actionsOf(reader)
    const ending = new AbortController()
    const seen: string[] = []
    const long = opened({ title: 'long' })
    await recorder.record(aFlow, [long])
    await recorder.record(aFlow, whole({ title: 'short' }))
    const options = { signal: ending.signal, after: 1, pollMs: 1, patienceMs: 5 }
    for await (const { title, status } of follow(actions, {}, options)) {
      seen.push(`${title} ${status ?? 'open'}`)
      if (title === 'long' && status === null) await recorder.record(aFlow, [closed(long.action.id)])
      if (title === 'long' && status !== null) ending.abort()
    }
    expect(seen).toEqual(['short 200', 'long open', 'long 200'])
    reader.close()
    await recorder.stop()
  })

  it('keeps to its filter and ends with its signal', async () => {
    await using place = scratch()
    const recorder = new Recorder({ database: place.database })
    await recorder.record(aFlow, whole({ title: 'allowed' }))
    await recorder.record(aFlow, whole({ title: 'denied', verdict: denied }))
    const ending = new AbortController()
    const seen: string[] = []
    for await (const { title } of follow(
      actionsOf(place.database),
      { denied: true },
      { signal: ending.signal, after: 0 },
    )) {
      seen.push(title)
      ending.abort()
    }
    expect(seen).toEqual(['denied'])
    await recorder.stop()
  })

  it('tells the end of an action that was open already', async () => {
    await using place = scratch()
    const recorder = new Recorder({ database: place.database })
    const long = opened({ title: 'long' })
    await recorder.record(aFlow, [long])
    const ending = new AbortController()
    const options = { signal: ending.signal, after: 1, open: [1], pollMs: 1 }
    const rows = follow(actionsOf(place.database), {}, options)
    const next = rows.next()
    await recorder.record(aFlow, [closed(long.action.id)])
    expect((await next).value).toMatchObject({ title: 'long', status: '200' })
    ending.abort()
    expect((await rows.next()).done).toBe(true)
    await recorder.stop()
  })
})
