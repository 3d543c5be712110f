import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { contentOf, frame, stored } from './decode.fixture.ts'
import { framed, reframed } from './safe-frame.ts'

/** The number a server reads there, as far as it tells one packet from another. */
function codeAt(bytes: Buffer, at: number): number {
  let code = 0
  for (let index = 0; index < 10; index += 1) {
    const byte = bytes[at + index] ?? 0x7f
    code += (byte & 0x7f) * 128 ** index
    if (byte < 0x80) break
  }
  return code
}

/** Where a server may stop reading: at the beginning of each frame, after its checksum, and after its head. */
function stops(frames: Buffer): number[] {
  const found: number[] = []
  for (let at = 0; at < frames.length; at += 16 + frames.readUInt32LE(at + 17)) found.push(at, at + 16, at + 25)
  return found
}

function expectSafe(frames: Buffer): void {
  for (const at of stops(frames)) expect(codeAt(frames, at)).toBeGreaterThan(15)
}

describe('framed()', () => {
  it('keeps the bytes, and leaves no place where a server finds a packet', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 400 }), (raw) => {
        const bytes = Buffer.from(raw)
        expect(contentOf(framed(bytes)).equals(bytes)).toBe(true)
        expectSafe(framed(bytes))
      }),
      { numRuns: 300 },
    )
    const packets = Buffer.concat(Array(30_000).fill(Buffer.from([1, 0, 0, 0, 0, 2, 0])))
    expect(contentOf(framed(packets)).equals(packets)).toBe(true)
    expectSafe(framed(packets))
  })

  it('keeps single bytes, and lengths that look like packets', () => {
    const lengths = [...Array(300).keys()].slice(1)
    for (const bytes of [
      ...lengths.map((length) => Buffer.from([length])),
      ...lengths.map((length) => Buffer.alloc(length)),
    ]) {
      expect(contentOf(framed(bytes)).equals(bytes)).toBe(true)
      expectSafe(framed(bytes))
    }
  })
})

describe('reframed()', () => {
  it('leaves a frame as it came where it is safe', () => {
    const content = Buffer.alloc(604, 'x')
    const packed = Buffer.from([0x1f, 0x78, 1, 0, 255, 255, 69, 0x50, ...Buffer.from('xxxxx')])
    expect(contentOf(frame(0x82, packed, 604)).toString()).toBe(content.toString())
    for (let extra = 0; extra < 64; extra += 1) {
      const came = frame(0x82, packed, 604)
      const passed = reframed(came, content)
      expectSafe(passed)
      expect(contentOf(passed).equals(content)).toBe(true)
      packed[8] = extra
      content[599] = extra
    }
  })

  it('puts what is not compressed into other frames, as a server would find its values', () => {
    const query = Buffer.from([1, 0, 0, 0, 0, 2, 0, 8, ...Buffer.from('select 1')])
    const passed = reframed(stored(query), query)
    expect(contentOf(passed).equals(query)).toBe(true)
    expectSafe(passed)
  })
})
