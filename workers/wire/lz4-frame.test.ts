import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeLz4Frame } from './lz4-frame.ts'

/** "clickhouse " 40 times, as lz4 1.9.4 writes it with content size and checksum. */
const made = Buffer.from('BCJNGGxAuAEAAAAAAAAbFgAAAL9jbGlja2hvdXNlIAsA/5ZQb3VzZSAAAAAANWq8Kg==', 'base64')

function frame(blocks: readonly Buffer[], flags = 0b01000000): Buffer {
  const parts: Buffer[] = [Buffer.from([0x04, 0x22, 0x4d, 0x18, flags, 0x40, 0])]
  for (const block of blocks) {
    const size = Buffer.alloc(4)
    size.writeUInt32LE(block.length)
    parts.push(size, block)
  }
  return Buffer.concat([...parts, Buffer.alloc(4)])
}
const stored = (text: string) => {
  const size = Buffer.alloc(4)
  size.writeUInt32LE(0x80000000 + text.length)
  return Buffer.concat([size, Buffer.from(text)])
}
/** `abcd` and then eight characters again from there. */
const repeating = Buffer.from([0x44, 0x61, 0x62, 0x63, 0x64, 4, 0])
/** Seven more from eight characters ago, across blocks, and an end. */
const linked = Buffer.from([0x03, 8, 0, 0x10, 0x21])

describe('decodeLz4Frame()', () => {
  it('decodes literals, matches that run into themselves, and matches into earlier blocks', () => {
    const decoded = decodeLz4Frame(frame([repeating, linked]), 100)
    expect(decoded?.bytes.toString()).toBe('abcdabcdabcdabcdabc!')
    expect(decoded).toMatchObject({ isWhole: true, isTooLong: false })
  })

  it('decodes what others make', () => {
    const decoded = decodeLz4Frame(made, 1000)
    expect(decoded?.bytes.toString()).toBe('clickhouse '.repeat(40))
    expect(decoded?.isWhole).toBe(true)
  })

  it('decodes stored blocks and stops where it was asked to', () => {
    const head = frame([]).subarray(0, 7)
    const bytes = Buffer.concat([head, stored('hello '), stored('world'), Buffer.alloc(4)])
    expect(decodeLz4Frame(bytes, 11)?.bytes.toString()).toBe('hello world')
    expect(decodeLz4Frame(bytes, 10)).toMatchObject({ isWhole: false, isTooLong: true })
  })

  it('gives of a frame that ends early what is there', () => {
    const whole = frame([repeating, linked])
    for (let end = 7; end < whole.length; end += 1) {
      const decoded = decodeLz4Frame(whole.subarray(0, end), 100)
      expect(decoded?.isWhole).toBe(false)
      expect('abcdabcdabcdabcdabc!'.startsWith(decoded?.bytes.toString() ?? '-')).toBe(true)
    }
  })

  it.each([
    ['too short', Buffer.alloc(6)],
    ['another magic', Buffer.alloc(20)],
    ['a dictionary', frame([], 0b01000001)],
    ['another version', frame([], 0b10000000)],
    ['an offset of 0', frame([Buffer.from([0x10, 0x61, 0, 0, 0])])],
    ['an offset before the begin', frame([Buffer.from([0x10, 0x61, 9, 0, 0])])],
    ['literals that end early', frame([Buffer.from([0x50, 0x61])])],
  ])('refuses %s', (_what, bytes) => {
    expect(decodeLz4Frame(bytes, 100)).toBeNull()
  })

  it('is not whole with anything behind it', () => {
    expect(decodeLz4Frame(Buffer.concat([frame([repeating]), Buffer.from('x')]), 100)?.isWhole).toBe(false)
  })

  it('never throws and never gives more than was asked for', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(64), (tail, most) => {
        const decoded = decodeLz4Frame(Buffer.concat([frame([]).subarray(0, 7), tail]), most)
        expect((decoded?.bytes.length ?? 0) <= most).toBe(true)
      }),
      { numRuns: 500 },
    )
  })
})
