import { describe, expect, it } from 'vitest'
import { cityHash128 } from './city-hash.ts'
import { recorded } from './recorded.fixture.ts'

describe('cityHash128()', () => {
  it('makes what the reference makes of bytes of every length', () => {
    for (const [length, hash] of recorded.hashes) {
      const bytes = Buffer.from(Array.from({ length }, (_, index) => (index * 131 + length) % 251))
      expect([length, cityHash128(bytes).toString('hex')]).toEqual([length, hash])
    }
  })

  it('does not depend on where the bytes lie', () => {
    const bytes = Buffer.alloc(1 << 20, 'x')
    const copy = Buffer.concat([Buffer.from('odd'), bytes]).subarray(3)
    expect(cityHash128(copy)).toEqual(cityHash128(bytes))
  })
})
