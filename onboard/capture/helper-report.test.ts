import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type HelperReport, HelperReports } from './helper-report.ts'

function frame(body: string): Buffer {
  const bytes = Buffer.from(body, 'latin1')
  const size = Buffer.alloc(4)
  size.writeUInt32LE(bytes.length)
  return Buffer.concat([size, bytes])
}

const stream = Buffer.concat([
  frame('W\x5f\0\0\0ipv6\0fd63::2'),
  frame('R'),
  frame('E\x0d\0\0\0tun-open\0/dev/net/tun'),
  frame('X\x03\0\0\0\x0f\0\0\0'),
])

const reports: HelperReport[] = [
  { kind: 'warned', stage: 'ipv6', errno: 95, path: 'fd63::2' },
  { kind: 'ready' },
  { kind: 'failed', stage: 'tun-open', errno: 13, path: '/dev/net/tun' },
  { kind: 'exited', code: 3, signal: 15 },
]

function feedAll(chunks: readonly Buffer[]): HelperReport[] {
  const decoder = new HelperReports()
  return chunks.flatMap((chunk) => decoder.feed(chunk))
}

describe('HelperReports', () => {
  it('reads a stream that comes whole', () => {
    expect(feedAll([stream])).toEqual(reports)
  })

  it('reads a stream byte by byte', () => {
    expect(feedAll([...stream].map((byte) => Buffer.of(byte)))).toEqual(reports)
  })

  it('reads a stream split anywhere', () => {
    for (let at = 0; at <= stream.length; at++) {
      expect(feedAll([stream.subarray(0, at), stream.subarray(at)])).toEqual(reports)
    }
  })

  it.each([
    ['empty', Buffer.alloc(4)],
    ['oversized', Buffer.from('ffffff7f', 'hex')],
    ['unknown', frame('Q')],
    ['short exit', frame('X\x01')],
    ['short failure', frame('E\x01')],
  ])('refuses a frame that is %s', (_name, bytes) => {
    expect(() => new HelperReports().feed(bytes)).toThrow(RangeError)
  })

  it('refuses or waits, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        try {
          return Array.isArray(new HelperReports().feed(Buffer.from(bytes)))
        } catch (error) {
          return error instanceof RangeError
        }
      }),
      { numRuns: 500 },
    )
  })
})
