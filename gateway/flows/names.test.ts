import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type StoredName, VirtualNames } from './names.ts'

const minute = 60_000

function setUp(rows: readonly StoredName[] = []) {
  const stored = new Map(rows.map((row) => [row.id, row]))
  const clock = { now: 1_000_000_000 }
  const start = () =>
    new VirtualNames(
      {
        load: () => [...stored.values()],
        save: (changed) => {
          for (const row of changed) stored.set(row.id, row)
        },
      },
      () => clock.now,
    )
  return { names: start(), clock, stored, restart: start }
}

const none = { names: [], suffixes: [] }

describe('VirtualNames', () => {
  it('gives declared names addresses in the order of the alphabet, in both families', () => {
    const { names } = setUp()
    names.update({ names: ['b.example', 'a.example'], suffixes: [] })
    expect(names.addressOf('a.example')).toEqual({ v4: '10.78.0.1', v6: 'fd78::1' })
    expect(names.addressOf('b.example')).toEqual({ v4: '10.78.0.2', v6: 'fd78::2' })
    expect(names.addressOf('c.example')).toBeNull()
  })

  it.each(['10.78.0.1', 'fd78::1'])('finds the name of %s again', (address) => {
    const { names } = setUp()
    names.update({ names: ['a.example'], suffixes: [] })
    expect(names.lookUp(address)).toEqual({ name: 'a.example' })
  })

  it.each([
    ['10.78.0.2', { name: null }],
    ['10.78.255.255', { name: null }],
    ['10.78.0.0', { name: null }],
    ['fd78::ffff', { name: null }],
    ['fd78::1:0:0:1', { name: null }],
    ['fd78:0:0:1::1', null],
    ['fd79::1', null],
    ['10.79.0.1', null],
    ['10.7.8.1', null],
    ['198.51.100.7', null],
  ])('knows what %s is', (address, expected) => {
    const { names } = setUp()
    names.update({ names: ['a.example'], suffixes: [] })
    expect(names.lookUp(address)).toEqual(expected)
  })

  it('keeps addresses over reloads and restarts', () => {
    const { names, restart } = setUp()
    names.update({ names: ['b.example', 'c.example'], suffixes: [] })
    names.update({ names: ['a.example', 'b.example', 'c.example'], suffixes: [] })
    expect(names.addressOf('c.example')?.v4).toBe('10.78.0.2')
    const again = restart()
    again.update({ names: ['a.example', 'c.example'], suffixes: [] })
    expect(again.addressOf('c.example')?.v4).toBe('10.78.0.2')
    expect(again.addressOf('a.example')?.v4).toBe('10.78.0.3')
  })

  it('answers nothing for a name that was removed, and gives it its own address back', () => {
    const { names } = setUp()
    names.update({ names: ['a.example'], suffixes: [] })
    names.update(none)
    expect(names.addressOf('a.example')).toBeNull()
    expect(names.lookUp('10.78.0.1')).toEqual({ name: null })
    names.update({ names: ['a.example'], suffixes: [] })
    expect(names.addressOf('a.example')?.v4).toBe('10.78.0.1')
  })

  it('does not give a freed address to another name while clients may remember it', () => {
    const rows = Array.from({ length: 0xfffe }, (_, index) => ({
      id: index + 1,
      name: `n${index + 1}.example`,
      freedAt: index === 41 ? 1_000_000_000 : null,
    }))
    const { names, clock } = setUp(rows)
    const kept = rows.filter(({ freedAt }) => freedAt === null).map(({ name }) => name)
    names.update({ names: [...kept, 'new.example'], suffixes: [] })
    clock.now += 10 * minute
    expect(names.addressOf('new.example')).toBeNull()
    clock.now += 6 * minute
    expect(names.addressOf('new.example')?.v4).toBe('10.78.0.42')
    expect(names.lookUp('10.78.0.42')).toEqual({ name: 'new.example' })
  })

  it('gives names below a wildcard addresses when they are asked for', () => {
    const { names, restart } = setUp()
    names.update({ names: [], suffixes: ['deep.example'] })
    expect(names.addressOf('deep.example')).toBeNull()
    expect(names.addressOf('.deep.example')).toBeNull()
    expect(names.addressOf('xdeep.example')).toBeNull()
    expect(names.addressOf('a.b.deep.example')?.v4).toBe('10.78.0.1')
    const again = restart()
    again.update({ names: [], suffixes: ['deep.example'] })
    expect(again.lookUp('10.78.0.1')).toEqual({ name: 'a.b.deep.example' })
    again.update(none)
    expect(again.lookUp('10.78.0.1')).toEqual({ name: null })
  })

  it('bounds the names below a wildcard, and lets the longest forgotten go', () => {
    const { names, clock } = setUp()
    names.update({ names: [], suffixes: ['deep.example'] })
    for (let index = 0; index < 4096; index += 1) expect(names.addressOf(`n${index}.deep.example`)).not.toBeNull()
    expect(names.addressOf('more.deep.example')).toBeNull()
    expect(names.addressOf('n7.deep.example')?.v4).toBe('10.78.0.8')
    clock.now += 11 * minute
    expect(names.addressOf('more.deep.example')?.v4).toBe('10.78.16.1')
    expect(names.lookUp('10.78.0.1')).toEqual({ name: null })
  })

  it('never lets two names share an address, nor an address change its name within the quarantine', () => {
    const step = fc.record({
      names: fc.subarray(['a.example', 'b.example', 'c.example', 'd.example']),
      wild: fc.boolean(),
      ask: fc.constantFrom('a.example', 'x.deep.example', 'y.deep.example', 'd.example'),
      waitMs: fc.integer({ min: 0, max: 20 * minute }),
    })
    const run = (steps: readonly { names: string[]; wild: boolean; ask: string; waitMs: number }[]) => {
      const { names, clock } = setUp()
      const lastSeen = new Map<string, { name: string; at: number }>()
      for (const { names: declared, wild, ask, waitMs } of steps) {
        names.update({ names: declared, suffixes: wild ? ['deep.example'] : [] })
        for (const name of [...declared, ask]) {
          const address = names.addressOf(name)?.v4
          if (address === undefined) continue
          expect(names.lookUp(address)).toEqual({ name })
          const before = lastSeen.get(address)
          if (before !== undefined && before.name !== name) expect(clock.now - before.at).toBeGreaterThan(10 * minute)
          lastSeen.set(address, { name, at: clock.now })
        }
        clock.now += waitMs
      }
    }
    fc.assert(fc.property(fc.array(step, { maxLength: 20 }), run), { numRuns: 150 })
  })
})
