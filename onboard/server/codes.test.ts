import { describe, expect, it } from 'vitest'
import { canonicalUserCode, isNonceOf, newDeviceCode, newUserCode, sha256 } from './codes.ts'

describe('newUserCode()', () => {
  it('uses no letter or digit that looks like another', () => {
    for (let round = 0; round < 500; round++) expect(newUserCode()).toMatch(/^[A-HJ-NP-Z]{4}-[2-9]{4}$/)
  })

  it('throws bytes away that would make some letters likelier', () => {
    // 240 is the first byte of the incomplete last run of 24 letters; 8 digits divide 256
    const bytes = [255, 240, 0, 23, 239, 1, 0, 7, 255, 8]
    const source = (count: number) => Uint8Array.from({ length: count }, () => bytes.shift() ?? 0)
    expect(newUserCode(source)).toBe('AZZB-9222')
  })
})

describe('device codes and nonces', () => {
  it('have 384 random bits in 64 characters', () => {
    const codes = new Set(Array.from({ length: 100 }, newDeviceCode))
    expect(codes.size).toBe(100)
    for (const code of codes) expect(code).toMatch(/^[A-Za-z0-9_-]{64}$/)
  })

  it('match by hash only', () => {
    expect(isNonceOf('a', sha256('a'))).toBe(true)
    expect(isNonceOf('b', sha256('a'))).toBe(false)
    expect(isNonceOf('a', 'short')).toBe(false)
  })

  it('are typed in any case with spaces around', () => {
    expect(canonicalUserCode(' abcd-2345\n')).toBe('ABCD-2345')
  })
})
