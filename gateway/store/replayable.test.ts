import { describe, expect, it } from 'vitest'
import type { EpochMs } from '../../workers/contract/ids.ts'
import { aFlow, aSample, closed, opened, whole } from '../recorder/events.fixture.ts'
import { Recorder } from '../recorder/recorder.ts'
import { replayableOf } from './replayable.ts'
import { scratch } from './scratch.fixture.ts'

describe('replayableOf()', () => {
  it('gives every action of a range once, in the order of time, in pages', async () => {
    await using place = scratch()
    const recorder = new Recorder({ database: place.database })
    // many at one moment: a page ends among them
    const times = Array.from({ length: 700 }, (_, number) => 1000 + Math.floor(number / 300) * 10)
    await Promise.all(times.map((at) => recorder.record(aFlow, whole({ at: at as EpochMs }))))
    await recorder.stop()
    const { pages, count, sinceOf } = replayableOf(place.database)
    const range = { since: 1000, until: 1020 }
    const found = [...pages(range)]
    expect(found.map((page) => page.length)).toEqual([...Array(18).fill(32), 24])
    const seqs = found.flat().map(({ openedAt, seq }) => [openedAt, seq] as const)
    expect(new Set(seqs.map(([, seq]) => seq)).size).toBe(600)
    expect(seqs).toEqual([...seqs].sort((a, b) => a[0] - b[0] || a[1] - b[1]))
    expect(count(range)).toBe(600)
    expect([sinceOf(range, 1), sinceOf(range, 301), sinceOf(range, 601)]).toEqual([1010, 1000, 1000])
  })

  it('joins the sample of the request alone', async () => {
    await using place = scratch()
    const recorder = new Recorder({ database: place.database })
    const begin = opened({ described: '{}' })
    const { id } = begin.action
    const frame = { kind: 'frame', action: id, direction: 'up', sample: aSample('frame'), at: 1 as EpochMs } as const
    const end = closed(id, { request: aSample('asked', { contentType: 'text/plain' }), response: aSample('answered') })
    await recorder.record(aFlow, [begin, frame, end])
    await recorder.stop()
    const row = replayableOf(place.database).get(id)
    expect(row).toMatchObject({ described: '{}', contentType: 'text/plain', device: 'd1', node: 'laptop' })
    expect(row?.body?.toString()).toBe('asked')
    expect(replayableOf(place.database).get('none')).toBeNull()
  })

  it('scans no table', async () => {
    await using place = scratch()
    const { sqlite } = place.database
    const plans: string[] = []
    const spy = new Proxy(sqlite, {
      get(target, name) {
        const member = Reflect.get(target, name, target) as unknown
        if (name !== 'prepare') return member
        return (sql: string) => {
          const rows = target.prepare(`EXPLAIN QUERY PLAN ${sql}`)
          const given = sql.includes('@') ? [{ from: 0, until: 1, seq: 0 }] : Array.from(sql.matchAll(/\?/g), () => 1)
          plans.push(...(rows.all(...given) as { detail: string }[]).map(({ detail }) => detail))
          return target.prepare(sql)
        }
      },
    })
    replayableOf({ ...place.database, sqlite: spy })
    expect(plans.length).toBeGreaterThan(4)
    expect(plans.filter((plan) => /^SCAN|TEMP B-TREE/.test(plan))).toEqual([])
  })
})
