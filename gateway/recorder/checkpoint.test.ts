import { statSync } from 'node:fs'
import { describe, expect, it, vi } from 'vitest'
import { actionsOf } from '../store/actions.ts'
import { scratch } from '../store/scratch.fixture.ts'
import { Checkpointer } from './checkpoint.ts'
import { aFlow, aSample, closed, opened } from './events.fixture.ts'
import { Recorder } from './recorder.ts'

describe('Checkpointer', () => {
  it('moves a long log into the database beside the writer, and gives the work back at its end', async () => {
    await using place = scratch()
    const { database } = place
    const pages = () => database.sqlite.pragma('wal_autocheckpoint', { simple: true })
    const checkpointer = new Checkpointer(database)
    await vi.waitFor(() => expect(pages()).toBe(16_384), 5000)
    const insert = database.sqlite.prepare('INSERT INTO settings VALUES (?, ?, 1)')
    for (let at = 0; at < 100; at += 1) insert.run(`k${at}`, 'x'.repeat(60_000))
    expect(statSync(`${database.path}-wal`).size).toBeGreaterThan(4 * 1024 * 1024)
    await vi.waitFor(() => expect(statSync(`${database.path}-wal`).size).toBe(0), 10_000)
    expect(statSync(database.path).size).toBeGreaterThan(5 * 1024 * 1024)
    insert.run('after', 'y')
    await checkpointer[Symbol.asyncDispose]()
    expect(pages()).toBe(1000)
    expect(database.sqlite.prepare('SELECT count(*) FROM settings').pluck().get()).toBe(101)
  })

  it('loses and refuses nothing while a recorder writes at full speed', async () => {
    await using place = scratch()
    const recorder = new Recorder({ database: place.database })
    const sick: boolean[] = []
    recorder.onHealth((healthy) => sick.push(healthy))
    const body = aSample('z'.repeat(1500))
    for (let round = 0; round < 13; round += 1) {
      const actions = Array.from({ length: 1000 }, () => {
        const begin = opened()
        return recorder.record(aFlow, [begin, closed(begin.action.id, { response: body })])
      })
      await Promise.all(actions)
    }
    expect(await recorder.stop()).toBe(0)
    expect(sick).toEqual([])
    expect(actionsOf(place.database).count()).toBe(13_000)
    expect(place.database.sqlite.pragma('integrity_check', { simple: true })).toBe('ok')
  })
})
