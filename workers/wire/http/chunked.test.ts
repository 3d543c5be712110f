import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ChunkedDecoder, chunkHead } from './chunked.ts'

/** Feeds pieces; what came out, and how it ended. */
function decode(pieces: readonly Buffer[]) {
  const decoder = new ChunkedDecoder()
  let data = ''
  for (const [at, piece] of pieces.entries()) {
    const keep = (bytes: Buffer) => {
      data += bytes.toString('latin1')
    }
    const progress = decoder.feed(piece, { data: keep })
    if (progress.kind === 'bad') return { data, end: 'bad' as const }
    if (progress.kind === 'end') {
      const rest = Buffer.concat([piece.subarray(progress.used), ...pieces.slice(at + 1)]).toString('latin1')
      const { names, values } = progress.trailers
      return { data, end: 'end' as const, rest, trailers: names.map(({ raw }, index) => `${raw}=${values[index]}`) }
    }
  }
  return { data, end: 'more' as const }
}

const body = Buffer.from(
  '4;ext="a;b"\r\nWiki\r\n6\r\npedia \r\n0B\r\nin \r\nchunks\r\n0\r\nX-Sum: 1\r\nY: 2\r\n\r\nNEXT',
  'latin1',
)
const whole = { data: 'Wikipedia in \r\nchunks', end: 'end', rest: 'NEXT', trailers: ['X-Sum=1', 'Y=2'] }

describe('ChunkedDecoder', () => {
  it('decodes a body whole, byte by byte, and split at every boundary', () => {
    expect(decode([body])).toEqual(whole)
    expect(decode([...body].map((byte) => Buffer.from([byte])))).toEqual(whole)
    for (let at = 1; at < body.length; at += 1) expect(decode([body.subarray(0, at), body.subarray(at)])).toEqual(whole)
  })

  it('waits for more at every prefix that has not its end', () => {
    for (let at = 0; at < body.length - 4; at += 1) expect(decode([body.subarray(0, at)]).end).toBe('more')
  })

  it.each([
    ['no size', '\r\n'],
    ['a sign', '+4\r\nWiki'],
    ['a prefix', '0x4\r\nWiki'],
    ['a space before', ' 4\r\nWiki'],
    ['an underscore', '1_0\r\n'],
    ['a line feed alone', '4\nWiki'],
    ['a huge size', 'FFFFFFFFFFFFFFFF\r\n'],
    ['an endless extension', `4;${'a'.repeat(300)}`],
    ['a control byte in an extension', '4;\0\r\n'],
    ['a carriage return in an extension', '4;a\rb\r\n'],
    ['data that goes on', '4\r\nWikiX'],
    ['data that ends in a line feed alone', '4\r\nWiki\n'],
    ['a trailer that is none', '0\r\nno colon\r\n\r\n'],
    ['a folded trailer', '0\r\nA: 1\r\n 2\r\n\r\n'],
    ['a trailer line that ends in a line feed alone', '0\r\nA: 1\n\r\n'],
    ['an endless trailer section', `0\r\nA: ${'a'.repeat(70_000)}`],
  ])('refuses %s, in one piece and in many', (_name, text) => {
    expect(decode([Buffer.from(text, 'latin1')]).end).toBe('bad')
    expect(decode([...Buffer.from(text, 'latin1')].map((byte) => Buffer.from([byte]))).end).toBe('bad')
  })

  it('decodes whatever is encoded, however it is cut', () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ minLength: 1, maxLength: 40 })),
        fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1 }),
        (chunks, cuts) => {
          const encoded = Buffer.concat([
            ...chunks.map((chunk) => Buffer.concat([Buffer.from(chunkHead(chunk.length)), chunk, Buffer.from('\r\n')])),
            Buffer.from('0\r\n\r\n'),
          ])
          const pieces: Buffer[] = []
          for (let at = 0, cut = 0; at < encoded.length; cut += 1) {
            const size = cuts[cut % cuts.length] ?? 1
            pieces.push(encoded.subarray(at, at + size))
            at += size
          }
          const data = Buffer.concat(chunks).toString('latin1')
          expect(decode(pieces)).toEqual({ data, end: 'end', rest: '', trailers: [] })
        },
      ),
      { numRuns: 300 },
    )
  })

  it('never throws on other bytes', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 50 }), { maxLength: 5 }), (pieces) => {
        expect(['bad', 'more', 'end']).toContain(decode(pieces.map((piece) => Buffer.from(piece))).end)
      }),
      { numRuns: 500 },
    )
  })
})
