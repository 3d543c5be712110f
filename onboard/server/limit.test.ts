import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { limiter, sourceKey } from './limit.ts'

describe('limiter()', () => {
  it('gives the capacity at once, then one each perMs / capacity', () => {
    const clock = { now: 0 }
    const limit = limiter({ capacity: 3, perMs: 3000 }, () => clock.now)
    expect([1, 2, 3, 4].map(() => limit.take('a'))).toEqual([0, 0, 0, 1])
    clock.now = 999
    expect(limit.take('a')).toBe(1)
    clock.now = 1000
    expect([limit.take('a'), limit.take('a')]).toEqual([0, 1])
  })

  it('keeps keys apart', () => {
    const limit = limiter({ capacity: 1, perMs: 1000 }, () => 0)
    expect([limit.take('a'), limit.take('b'), limit.take('a')]).toEqual([0, 0, 1])
  })

  it('never holds more keys than it may, and forgets the one unused the longest', () => {
    const limit = limiter({ capacity: 1, perMs: 1000, maxKeys: 2 }, () => 0)
    expect([limit.take('a'), limit.take('b'), limit.take('a'), limit.take('c')]).toEqual([0, 0, 1, 0])
    expect(limit.take('a')).toBe(1)
    expect(limit.take('b')).toBe(0)
  })

  it('gives nothing for a clock that goes back', () => {
    const clock = { now: 10_000 }
    const limit = limiter({ capacity: 1, perMs: 1000 }, () => clock.now)
    limit.take('a')
    clock.now = 0
    expect(limit.take('a')).toBe(1)
  })

  it('allows no more than capacity and what has been filled up, in any order of times', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 400 }), { maxLength: 200 }), (steps) => {
        const clock = { now: 0 }
        const limit = limiter({ capacity: 5, perMs: 1000 }, () => clock.now)
        let allowed = 0
        for (const step of steps) {
          clock.now += step
          if (limit.take('a') === 0) allowed += 1
        }
        expect(allowed).toBeLessThanOrEqual(5 + clock.now / 200)
      }),
      { numRuns: 100 },
    )
  })
})

describe('sourceKey()', () => {
  it.each([
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
    ['2001:db8:1:2::9', '2001:db8:1:2'],
    ['2001:0db8:0001:0002:ffff::', '2001:db8:1:2'],
    ['2001:db8::1', '2001:db8:0:0'],
    ['::1', '0:0:0:0'],
    ['fe80::1%eth0', 'fe80:0:0:0'],
  ])('limits %s as %s', (address, key) => {
    expect(sourceKey(address)).toBe(key)
  })
})
