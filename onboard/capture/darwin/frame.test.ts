import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { encodeFrame, FrameReader, maxFrameBytes } from './frame.ts'

const messages = [{ kind: 'status' }, { kind: 'stop', tunnel: 'ü'.repeat(40) }, { a: 1 }]
const stream = Buffer.concat(messages.map(encodeFrame))

/** Bodies of the frames in a stream that comes in these pieces, parsed. */
function readAll(chunks: readonly Buffer[]): unknown[] {
  const reader = new FrameReader()
  return chunks.flatMap((chunk) => {
    const found: unknown[] = []
    for (let left = chunk; left.length > 0; ) {
      const { body, rest } = reader.take(left)
      if (body !== null) found.push(JSON.parse(body.toString('utf8')))
      left = rest
    }
    return found
  })
}

describe('FrameReader', () => {
  it('reads a stream that comes whole', () => {
    expect(readAll([stream])).toEqual(messages)
  })

  it('reads a stream byte by byte', () => {
    expect(readAll([...stream].map((byte) => Buffer.of(byte)))).toEqual(messages)
  })

  it('reads a stream split anywhere', () => {
    for (let at = 0; at <= stream.length; at++)
      expect(readAll([stream.subarray(0, at), stream.subarray(at)])).toEqual(messages)
  })

  it('gives back what follows a frame untouched', () => {
    const first = encodeFrame({ kind: 'dialed' })
    const { body, rest } = new FrameReader().take(Buffer.concat([first, Buffer.from('HTTP/1.1')]))
    expect([body?.toString(), rest.toString()]).toEqual(['{"kind":"dialed"}', 'HTTP/1.1'])
  })

  it('reads the largest frame and refuses one byte more before keeping any of it', () => {
    const body = Buffer.alloc(maxFrameBytes, 'x')
    const frame = Buffer.concat([Buffer.of(0, 1, 0, 0), body])
    expect(new FrameReader().take(frame).body).toEqual(body)
    expect(() => new FrameReader().take(Buffer.of(0, 1, 0, 1))).toThrow('Cannot read a message of 65537 bytes')
  })

  it.each([
    ['empty', '00000000'],
    ['larger than any memory', 'ffffffff'],
    ['text instead of frames', '48545450'],
  ])('refuses a frame that is %s', (_what, head) => {
    expect(() => new FrameReader().take(Buffer.from(head, 'hex'))).toThrow(
      expect.objectContaining({ code: 'CP_PROTOCOL' }),
    )
  })

  it('either reads or refuses whatever comes, and never keeps more than a frame', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 20 }), (chunks) => {
        const reader = new FrameReader()
        try {
          for (const chunk of chunks) {
            const { body, rest } = reader.take(Buffer.from(chunk))
            expect((body?.length ?? 1) >= 1 && rest.length <= chunk.length).toBe(true)
          }
        } catch (error) {
          expect(error).toMatchObject({ code: 'CP_PROTOCOL' })
        }
      }),
      { numRuns: 500 },
    )
  })
})

describe('encodeFrame()', () => {
  it('refuses what no reader takes, without quoting it', () => {
    const sending = () => encodeFrame({ secret: 's'.repeat(maxFrameBytes) })
    expect(sending).toThrow(/^Cannot send a message of \d+ bytes: at most 65536$/)
  })
})
