import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ByteSink } from './byte-sink.ts'
import { ByteSource } from './byte-source.ts'
import { ClientDecoder } from './client-packets.ts'
import { blockStart, byteByByte, contentOf, decodeServer, drain, frame, inShort, stored } from './decode.fixture.ts'
import { addendum, pongPacket } from './encode.ts'
import { largestFrame, readFrame } from './frame.ts'
import { clientHello, serverHello } from './hello.ts'
import { decodeLz4 } from './lz4.ts'
import { newestRevision } from './revisions.ts'

/** What a frame holds, fed in pieces of so many bytes. */
function read(bytes: Buffer, isVerified = true, step = bytes.length): Buffer | null {
  const source = new ByteSource()
  const reading = readFrame(source, isVerified)
  for (let at = 0; ; at += step) {
    const result = reading.next()
    if (result.done === true) return result.value
    if (at >= bytes.length) return null
    source.push(bytes.subarray(at, at + step))
    source.advance()
  }
}

/** Literals, a match that runs into itself, a match of many bytes, more literals. */
const packed = Buffer.from([0x22, 0x61, 0x62, 2, 0, 0x1f, 0x63, 1, 0, 200, 0x30, 0x78, 0x79, 0x7a])
const unpacked = Buffer.from(`ababababc${'c'.repeat(219)}xyz`)

const hello = clientHello({
  name: '',
  major: 1,
  minor: 1,
  revision: newestRevision,
  database: '',
  user: Buffer.from('u'),
  password: Buffer.alloc(0),
})
const query = new ByteSink()
  .varint(1)
  .text('')
  .byte(0)
  .text('')
  .text('')
  .varint(2)
  .varint(1)
  .text('insert')
  .text('')
  .whole()
const block = blockStart(1, 2).text('x').text('String').byte(0).text('one').text('two').whole()

/** What a client says after a Query whose blocks are compressed. */
function decode(...parts: Buffer[]) {
  const decoder = new ClientDecoder()
  const came = Buffer.concat([hello, addendum(newestRevision, ''), query, ...parts])
  const decoded = drain(decoder, [came], ({ kind }) => kind === 'hello' && decoder.begin(newestRevision))
  return {
    kinds: inShort(decoded.packets).slice(3),
    passed: Buffer.concat(decoded.parts.slice(3)),
    isInside: decoder.isInside,
  }
}

describe('readFrame()', () => {
  it('decompresses what it understands', () => {
    for (const step of [1, 7, 1000]) {
      expect(read(stored(Buffer.from('as it is')), true, step)?.toString()).toBe('as it is')
      expect(read(frame(0x82, packed, unpacked.length), true, step)?.toString()).toBe(unpacked.toString())
    }
  })

  it.each([
    ['a wrong checksum', Buffer.concat([Buffer.alloc(16), stored(Buffer.from('x')).subarray(16)]), 'checksum'],
    ['an unknown method', frame(0x91, Buffer.from('x'), 1), 'by method 0x91'],
    ['a length below the head', Buffer.concat([Buffer.alloc(16), Buffer.from([2, 8, 0, 0, 0, 1, 0, 0, 0])]), '8 bytes'],
    ['too many bytes', Buffer.concat([Buffer.alloc(16), Buffer.from([2, 10, 0, 0, 1, 1, 0, 0, 0])]), '16777226 bytes'],
    ['nothing in it', frame(0x02, Buffer.alloc(0), 0), '9 bytes for 0'],
    ['too much in it', frame(0x82, packed, largestFrame + 1), 'for 16777217'],
    ['less in it than it says', frame(0x82, packed, unpacked.length + 1), 'cannot be decompressed'],
    ['more in it than it says', frame(0x82, packed, unpacked.length - 1), 'cannot be decompressed'],
    ['a stored frame of another size', frame(0x02, Buffer.from('abc'), 2), 'cannot be decompressed'],
    ['a zstd frame that is none', frame(0x90, Buffer.from('abc'), 3), 'cannot be decompressed'],
  ])('refuses %s', (_, bytes, words) => {
    expect(() => read(bytes)).toThrow(words)
  })

  it('verifies checksums only where that is asked for', () => {
    const wrong = Buffer.concat([Buffer.alloc(16), stored(Buffer.from('x')).subarray(16)])
    expect(read(wrong, false)?.toString()).toBe('x')
  })
})

describe('a compressed block', () => {
  it('is read from one frame or several, and passed on frame by frame', () => {
    const whole = Buffer.concat([Buffer.from([2, 0]), stored(block), Buffer.from([4])])
    const many = Buffer.concat([Buffer.from([2, 0]), ...byteByByte(block).map(stored), Buffer.from([4])])
    for (const bytes of [whole, many]) {
      const { kinds, passed } = decode(bytes)
      expect(kinds).toEqual(['data 1x2', 'ping'])
      expect(contentOf(passed.subarray(2, -1)).equals(block)).toBe(true)
    }
  })

  it('passes no byte of a frame on before its checksum was verified', () => {
    const [head, tail] = [block.subarray(0, 20), block.subarray(20)]
    const second = stored(tail)
    const sent = Buffer.concat([Buffer.from([2, 0]), stored(head)])
    const { passed, isInside } = decode(sent, second.subarray(0, -1))
    expect(contentOf(passed.subarray(2)).equals(head)).toBe(true)
    expect(isInside).toBe(true)
  })

  it('has to end with a frame: what follows it would be read as another packet by some, as its rest by others', () => {
    const smuggled = Buffer.concat([block, query])
    expect(() => decode(Buffer.from([2, 0]), stored(smuggled))).toThrow('a block ends inside a compressed frame')
  })

  it('does not end where a frame looks like a packet', () => {
    // a frame whose checksum would begin with the code of a packet is still a frame: the block is not over
    const { kinds, isInside } = decode(Buffer.from([2, 0]), stored(block.subarray(0, -1)), query)
    expect(kinds).toEqual(['data 1x2'])
    expect(isInside).toBe(true)
  })

  it('is what servers send, except for logs and profile events; an agent gets it as it asked for', () => {
    const server = serverHello(
      {
        name: '',
        major: 1,
        minor: 1,
        revision: newestRevision,
        timezone: '',
        displayName: '',
        patch: 0,
        passwordRules: [],
        nonce: Buffer.alloc(8),
      },
      newestRevision,
    )
    const packet = (code: number, bytes: Buffer) => Buffer.concat([Buffer.from([code, 0]), bytes])
    const all = (of: (plain: Buffer) => Buffer) =>
      Buffer.concat([
        server,
        packet(1, of(block)),
        packet(10, block),
        packet(14, block),
        packet(7, of(block)),
        pongPacket(),
      ])
    for (const [isCompressed, wanted] of [
      [true, all(stored)],
      [false, all((plain) => plain)],
    ] as const) {
      for (const chunks of [[all(stored)], byteByByte(all(stored))]) {
        const { packets, passed } = decodeServer(chunks, newestRevision, isCompressed, true)
        expect(inShort(packets)).toEqual(['hello', 'data 1x2', 'log 1x2', 'profileEvents 1x2', 'totals 1x2', 'pong'])
        expect(passed.equals(wanted)).toBe(true)
      }
    }
  })
})

describe('decodeLz4()', () => {
  it.each([
    ['nothing', [], 0],
    ['literals that are not there', [0x30, 1, 2], 3],
    ['a length that does not end', [0xf0, 255, 255], 600],
    ['a match at the end', [0x10, 1, 1, 0], 5],
    ['a match that begins before the output', [0x10, 1, 2, 0, 0x00], 5],
    ['a match at no distance', [0x10, 1, 0, 0, 0x00], 5],
    ['a match beyond the output', [0x1f, 1, 1, 0, 255, 0, 0x00], 100],
    ['an offset of one byte', [0x10, 1, 1], 5],
  ])('refuses %s', (_, bytes, length) => {
    expect(decodeLz4(Buffer.from(bytes), length)).toBe(null)
  })

  it('gives exactly as many bytes as asked for, or nothing, whatever comes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), fc.integer({ min: 1, max: 300 }), (bytes, length) => {
        const plain = decodeLz4(Buffer.from(bytes), length)
        expect(plain === null || plain.length === length).toBe(true)
      }),
      { numRuns: 500 },
    )
  })
})
