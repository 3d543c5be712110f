import { describe, expect, it } from 'vitest'
import type { EpochMs } from '../../workers/contract/ids.ts'
import { namesOf } from './names.ts'
import { scratch } from './scratch.fixture.ts'
import { sealedOf } from './sealed.ts'
import { countersOf, settingsOf } from './settings.ts'

describe('settingsOf()', () => {
  it('keeps, replaces and forgets single values', async () => {
    await using place = scratch()
    const settings = settingsOf(place.database)
    expect(settings.get('a')).toBeNull()
    settings.set('a', '1')
    settings.set('a', '2')
    expect(settings.get('a')).toBe('2')
    settings.remove('a')
    expect(settings.get('a')).toBeNull()
  })
})

describe('countersOf()', () => {
  it('adds up', async () => {
    await using place = scratch()
    const counters = countersOf(place.database)
    counters.add('flows', 2)
    counters.add('bytes', 1)
    counters.add('flows', 3)
    expect(counters.all()).toEqual({ bytes: 1, flows: 5 })
  })
})

describe('namesOf()', () => {
  const at = 5 as EpochMs

  it('keeps virtual addresses; a name or number used anew replaces the old row', async () => {
    await using place = scratch()
    const names = namesOf(place.database)
    names.save([
      { id: 10, hostname: 'a.example', allocatedAt: at, freedAt: null },
      { id: 11, hostname: 'b.example', allocatedAt: at, freedAt: at },
    ])
    names.save([{ id: 12, hostname: 'a.example', allocatedAt: at, freedAt: null }])
    expect(names.load()).toEqual([
      { id: 11, hostname: 'b.example', allocatedAt: at, freedAt: at },
      { id: 12, hostname: 'a.example', allocatedAt: at, freedAt: null },
    ])
    names.remove([11, 99])
    expect(names.load().map(({ id }) => id)).toEqual([12])
  })
})

describe('sealedOf()', () => {
  const row = {
    scope: 'credential',
    name: 'a',
    slot: '',
    wrappedKey: Buffer.from('k'),
    value: Buffer.from('v'),
    updatedAt: 1,
  } as const

  it('keeps slots apart, rewraps without touching values, removes one slot or all', async () => {
    await using place = scratch()
    const sealed = sealedOf(place.database)
    sealed.put(row)
    sealed.put({ ...row, slot: 'key' })
    sealed.put({ ...row, scope: 'gateway' })
    sealed.rewrap(row, Buffer.from('next'))
    expect(sealed.get(row)).toEqual({ ...row, wrappedKey: Buffer.from('next') })
    expect(sealed.remove('credential', 'a', 'key')).toBe(1)
    expect(sealed.remove('credential', 'a', null)).toBe(1)
    expect(sealed.list().map(({ scope }) => scope)).toEqual(['gateway'])
  })

  it('undoes everything when the work throws', async () => {
    await using place = scratch()
    const sealed = sealedOf(place.database)
    expect(() =>
      sealed.atomically(() => {
        sealed.put(row)
        throw new Error('stop')
      }),
    ).toThrow('stop')
    expect(sealed.list()).toEqual([])
  })
})
