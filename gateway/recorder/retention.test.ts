import { describe, expect, it } from 'vitest'
import type { EndpointName, EpochMs } from '../../workers/contract/ids.ts'
import { actionsOf } from '../store/actions.ts'
import type { Database } from '../store/database.ts'
import { scratch } from '../store/scratch.fixture.ts'
import { aFlow, aSample, closed, opened } from './events.fixture.ts'
import { Recorder } from './recorder.ts'
import { Retention, type RetentionRules } from './retention.ts'

const hour = 3_600_000
const now = 1_800_000_000_000

async function record(database: Database, ages: readonly (readonly [hours: number, endpoint: string | null])[]) {
  const recorder = new Recorder({ database })
  const events = ages.flatMap(([hours, endpoint]) => {
    const at = (now - hours * hour) as EpochMs
    const begin = opened({ at, endpoint: endpoint as EndpointName | null, title: `${hours}h ${endpoint}` })
    return [begin, closed(begin.action.id, { at, response: aSample('body') })]
  })
  await recorder.record(aFlow, events)
  await recorder.stop()
}

function retention(database: Database, rules: RetentionRules, clock = { now: () => now, steadyNow: () => 0 }) {
  return new Retention({
    database,
    rules: () => rules,
    onError: (error) => {
      throw error
    },
    ...clock,
  })
}

const titles = (database: Database) =>
  actionsOf(database)
    .list({ limit: 5000 })
    .map(({ title }) => title)

describe('Retention', () => {
  it('deletes what is older than the rules say, each endpoint by its own, with samples', async () => {
    await using place = scratch()
    await record(place.database, [
      [100, 'api'],
      [10, 'api'],
      [100, 'audit'],
      [10, 'brief'],
      [0.5, 'brief'],
      [100, null],
      [10, null],
      [100, 'gone'],
    ])
    await using keeper = retention(place.database, {
      actionsKeepMs: 24 * hour,
      endpoints: [
        { name: 'api', retentionMs: undefined },
        { name: 'audit', retentionMs: null },
        { name: 'brief', retentionMs: hour },
      ],
    })
    expect(await keeper.sweep()).toBe(4)
    expect(titles(place.database)).toEqual(['10h api', '100h audit', '0.5h brief', '10h null'])
    expect(place.database.sqlite.prepare('SELECT count(*) FROM samples').pluck().get()).toBe(4)
    expect(await keeper.sweep()).toBe(0)
  })

  it('keeps everything when nothing ends, and obeys an endpoint that does', async () => {
    await using place = scratch()
    await record(place.database, [
      [9000, 'api'],
      [9000, 'brief'],
    ])
    await using forever = retention(place.database, { actionsKeepMs: null, endpoints: [] })
    expect(await forever.sweep()).toBe(0)
    await using one = retention(place.database, {
      actionsKeepMs: null,
      endpoints: [{ name: 'brief', retentionMs: hour }],
    })
    expect(await one.sweep()).toBe(1)
    expect(titles(place.database)).toEqual(['9000h api'])
  })

  it('leaves what is under way alone', async () => {
    await using place = scratch()
    const recorder = new Recorder({ database: place.database })
    await recorder.record(aFlow, [opened({ at: 1 as EpochMs })])
    await using keeper = retention(place.database, { actionsKeepMs: hour, endpoints: [] })
    expect(await keeper.sweep()).toBe(0)
    await recorder.stop()
  })

  it('passes over many records in small batches, past those that stay', async () => {
    await using place = scratch()
    const ages = Array.from({ length: 700 }, (_, at) => [100, at % 2 === 0 ? 'audit' : 'api'] as const)
    await record(place.database, ages)
    await using keeper = retention(place.database, {
      actionsKeepMs: hour,
      endpoints: [{ name: 'audit', retentionMs: null }],
    })
    expect(await keeper.sweep()).toBe(350)
    expect(new Set(titles(place.database))).toEqual(new Set(['100h audit']))
  })

  it('does not believe a clock that jumps years ahead', async () => {
    await using place = scratch()
    await record(place.database, [[1, 'api']])
    let wall = now
    let steady = 0
    await using keeper = retention(
      place.database,
      { actionsKeepMs: 24 * hour, endpoints: [] },
      { now: () => wall, steadyNow: () => steady },
    )
    wall += 20_000 * hour
    expect(await keeper.sweep()).toBe(0)
    steady += 30 * hour
    expect(await keeper.sweep()).toBe(1)
  })

  it('waits while another connection writes', async () => {
    await using place = scratch()
    await record(place.database, [[100, 'api']])
    await using keeper = retention(place.database, { actionsKeepMs: hour, endpoints: [] })
    place.database.sqlite.exec('BEGIN IMMEDIATE')
    const pass = keeper.sweep()
    setImmediate(() => place.database.sqlite.exec('COMMIT'))
    expect(await pass).toBe(1)
  })

  it('stops in the middle of a pass when it is closed', async () => {
    await using place = scratch()
    await record(
      place.database,
      Array.from({ length: 600 }, () => [100, 'api'] as const),
    )
    const keeper = retention(place.database, { actionsKeepMs: hour, endpoints: [] })
    const pass = expect(keeper.sweep()).rejects.toThrow(/abort/i)
    await keeper[Symbol.asyncDispose]()
    await pass
    expect(titles(place.database)).toHaveLength(350)
  })
})
