import zlib from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type FrameCompression, FrameReader } from './websocket-frames.ts'

function frame(first: number, payload: Buffer, mask?: Buffer): Buffer {
  const { length } = payload
  const size = length < 126 ? [length] : length < 65_536 ? [126, length >> 8, length & 255] : [127, 0, 0, 0, 0]
  if (length >= 65_536) for (const shift of [24, 16, 8, 0]) size.push((length >> shift) & 255)
  const [marker = 0, ...rest] = size
  if (mask === undefined) return Buffer.concat([Buffer.from([first, marker, ...rest]), payload])
  const masked = payload.map((byte, at) => byte ^ (mask[at & 3] ?? 0))
  return Buffer.concat([Buffer.from([first, marker | 0x80, ...rest]), mask, masked])
}

function read(pieces: readonly Buffer[], isMasked = false, compression: FrameCompression = 'none') {
  const texts: string[] = []
  const reader = new FrameReader({ isMasked, compression, text: (bytes, total) => texts.push(`${bytes} ${total}`) })
  for (const piece of pieces) {
    const bad = reader.feed(piece)
    if (bad !== null) return { texts, bad }
  }
  return { texts, bad: null }
}

const mask = Buffer.from([1, 2, 3, 4])
const text = (words: string) => Buffer.from(words)

describe('FrameReader', () => {
  it('reads text messages whole, byte by byte and split at every boundary', () => {
    const bytes = Buffer.concat([
      frame(0x81, text('hello'), mask),
      frame(0x82, text('binary'), mask),
      frame(0x01, text('in '), mask),
      frame(0x89, text('ping'), mask),
      frame(0x80, text('pieces'), mask),
      frame(0x81, text('x'.repeat(200)), mask),
      frame(0x81, Buffer.alloc(0), mask),
      frame(0x88, Buffer.alloc(0), mask),
    ])
    const expected = { texts: ['hello 5', 'in pieces 9', `${'x'.repeat(200)} 200`, ' 0'], bad: null }
    expect(read([bytes], true)).toEqual(expected)
    expect(
      read(
        [...bytes].map((byte) => Buffer.from([byte])),
        true,
      ),
    ).toEqual(expected)
    for (let at = 1; at < bytes.length; at += 1)
      expect(read([bytes.subarray(0, at), bytes.subarray(at)], true)).toEqual(expected)
  })

  it('keeps a bounded part of a long message', () => {
    const { texts } = read([frame(0x81, Buffer.alloc(3_000_000, 'x'))])
    expect(texts[0]?.length).toBe((1 << 20) + 8)
    expect(texts[0]?.endsWith(' 3000000')).toBe(true)
  })

  it.each([
    ['longer than 16 MiB', Buffer.from([0x82, 127, 0, 0, 0, 0, 1, 0, 0, 1])],
    ['masked on the wrong side', frame(0x81, text('a'), mask)],
    ['with a reserved bit', frame(0xa1, text('a'))],
    ['compressed without agreement', frame(0xc1, text('a'))],
    ['with an unknown opcode', frame(0x83, text('a'))],
    ['that continues nothing', frame(0x80, text('a'))],
    ['that begins inside a message', Buffer.concat([frame(0x01, text('a')), frame(0x81, text('b'))])],
    ['of control in pieces', frame(0x09, text('a'))],
    ['of control that is long', frame(0x89, Buffer.alloc(126))],
  ])('refuses a frame %s', (_name, bytes) => {
    expect(read([bytes]).bad).toMatch(/WebSocket/)
  })

  it('inflates messages, with the window carried on or not', () => {
    const words = 'the same words again and again'
    const deflated = (input: string, dictionary?: Buffer) => {
      const options = { finishFlush: zlib.constants.Z_SYNC_FLUSH, ...(dictionary === undefined ? {} : { dictionary }) }
      return zlib.deflateRawSync(input, options).subarray(0, -4)
    }
    const first = frame(0xc1, deflated(words))
    const again = frame(0xc1, deflated(words, text(words)))
    const expected = [`${words} 30`, `${words} 30`]
    expect(read([first, again], false, 'carried').texts).toEqual(expected)
    expect(read([first, first], false, 'fresh').texts).toEqual(expected)
    // what cannot be inflated is reported with nothing of it
    expect(read([frame(0xc1, text('nonsense')), first], false, 'carried').texts).toEqual([' 8', ` ${first.length - 2}`])
  })

  it('never throws', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 6 }), fc.boolean(), (pieces, isMasked) => {
        const { bad } = read(
          pieces.map((piece) => Buffer.from(piece)),
          isMasked,
          'carried',
        )
        expect(bad === null || typeof bad === 'string').toBe(true)
      }),
      { numRuns: 1000 },
    )
  })
})
