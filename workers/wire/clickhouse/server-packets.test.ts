import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ByteSink } from './byte-sink.ts'
import { blockStart, byteByByte, decodeServer, drain, inShort, stored } from './decode.fixture.ts'
import { endOfStreamPacket, pongPacket } from './encode.ts'
import { exceptionPacket } from './exception.ts'
import { type ServerHello, serverHello } from './hello.ts'
import { recorded } from './recorded.fixture.ts'
import { newestRevision } from './revisions.ts'
import { ServerDecoder } from './server-packets.ts'

const said = (base64: string) => Buffer.from(base64, 'base64')

const hello: ServerHello = {
  name: 'ClickHouse',
  major: 24,
  minor: 8,
  revision: newestRevision,
  timezone: 'UTC',
  displayName: 'one',
  patch: 3,
  passwordRules: [{ pattern: '.{12}', message: 'be long' }],
  nonce: Buffer.from('12345678'),
}
const beginning = serverHello(hello, newestRevision)
const header = blockStart(1, 0).text('x').text('String').byte(0).whole()
const twoTexts = blockStart(1, 2).text('x').text('String').byte(0).text('one').text('two').whole()
const packet = (code: number) => new ByteSink().varint(code)
const framedHeader = stored(header)
const framedTexts = stored(twoTexts)

/** One of each, as the newest revision writes them; ClickHouse 26.9 reads the same. */
const all = Buffer.concat([
  beginning,
  packet(17).text('Europe/Berlin').whole(),
  packet(1).text('').raw(framedHeader).whole(),
  packet(3).varint(6).varint(100).varint(6).varint(9).varint(2).varint(20).varint(12_345).whole(),
  packet(1).text('').raw(framedTexts).whole(),
  packet(7).text('').raw(framedTexts).whole(),
  packet(8).text('').raw(framedTexts).whole(),
  packet(10).text('').raw(twoTexts).whole(),
  packet(14).text('').raw(twoTexts).whole(),
  packet(6).varint(2).varint(1).varint(300).byte(1).varint(2).byte(1).byte(1).varint(7).whole(),
  packet(11).text('t').text('columns format version: 1').whole(),
  packet(12).varint(2).raw(Buffer.alloc(32, 1)).whole(),
  packet(13).whole(),
  packet(9).varint(2).text('d').text('t').byte(0).text('d').text('r').byte(1).varint(5).varint(1).whole(),
  pongPacket(),
  exceptionPacket(497, 'not allowed'),
  endOfStreamPacket(),
])
const allInShort = [
  'hello',
  'timezoneUpdate',
  'data 1x0',
  'progress',
  'data 1x2',
  'totals 1x2',
  'extremes 1x2',
  'log 1x2',
  'profileEvents 1x2',
  'profileInfo',
  'tableColumns',
  'partUuids',
  'readTaskRequest',
  'tablesStatus',
  'pong',
  'exception',
  'endOfStream',
]

describe('ServerDecoder', () => {
  it.each(
    recorded.sessions.filter(({ method }) => method !== 'none'),
  )('reads what ClickHouse 18.16 answers $client, $method', (one) => {
    const bytes = said(one.answered)
    for (const chunks of [[bytes], byteByByte(bytes)]) {
      const { packets, passed } = decodeServer(chunks, 54412, true)
      expect(passed.equals(bytes)).toBe(true)
      const kinds = inShort(packets)
      expect(kinds[0]).toBe('hello')
      expect(kinds.at(-1)).toBe('endOfStream')
      expect(packets[0]).toMatchObject({ hello: { revision: 54412, major: 18, minor: 16, timezone: 'Etc/UTC' } })
      if (one.client === 'clickhouse-driver') continue
      for (const kind of ['log', 'data 7x0', 'data 8x2', 'totals', 'extremes', 'exception', 'progress', 'profileInfo'])
        expect(kinds.some((each) => each.startsWith(kind))).toBe(true)
      expect(packets.find(({ kind }) => kind === 'exception')).toMatchObject({ exception: { code: 47 } })
    }
  })

  it('reads the same however the bytes are cut', () => {
    for (let cut = 0; cut <= all.length; cut += 1) {
      const { packets, passed } = decodeServer([all.subarray(0, cut), all.subarray(cut)], newestRevision, true)
      expect(inShort(packets)).toEqual(allInShort)
      expect(passed.equals(all)).toBe(true)
    }
    const { packets, passed } = decodeServer(byteByByte(all), newestRevision, true)
    expect(inShort(packets)).toEqual(allInShort)
    expect(passed.equals(all)).toBe(true)
  })

  it('tells what packets say', () => {
    const { packets, columns } = decodeServer([all], newestRevision, true)
    expect(packets[0]).toMatchObject({ hello })
    expect(packets[1]).toMatchObject({ timezone: 'Europe/Berlin' })
    expect(packets[3]).toMatchObject({
      progress: { readRows: 6, readBytes: 100, writtenRows: 2, writtenBytes: 20 },
    })
    expect(packets[9]).toMatchObject({ rows: 2, bytes: 300 })
    expect(packets[15]).toMatchObject({
      exception: { code: 497, name: 'DB::Exception', message: 'DB::Exception: not allowed', causes: [] },
    })
    expect(columns).toEqual(Array(6).fill('x String'))
  })

  it.each([
    54060, 54371, 54400, 54412, 54440, 54459, 54461, 54468, 54492, 99999,
  ])('reads back the Hello of a server of revision %i', (revision) => {
    const full = { ...hello, revision }
    const shared = Math.min(revision, newestRevision)
    const { packets } = decodeServer([serverHello(full, newestRevision)], newestRevision, true)
    expect(packets[0]).toMatchObject({
      hello: {
        ...full,
        displayName: shared >= 54372 ? 'one' : '',
        patch: shared >= 54401 ? 3 : 0,
        passwordRules: shared >= 54461 ? full.passwordRules : [],
        nonce: shared >= 54462 ? full.nonce : Buffer.alloc(8),
      },
    })
  })

  it('reads an exception in place of a Hello, with what caused it', () => {
    const first = exceptionPacket(193, 'wrong password')
    const nested = Buffer.concat([first.subarray(0, -1), Buffer.from([1]), first.subarray(1)])
    const { packets } = decodeServer(byteByByte(nested), newestRevision, true)
    expect(packets).toMatchObject([{ exception: { code: 193, causes: [{ code: 193, stack: '' }] } }])
  })

  it('reads counters of all 64 bits', () => {
    const most = Buffer.concat([Buffer.alloc(9, 0xff), Buffer.from([1])])
    const sink = packet(3)
    for (let count = 0; count < 7; count += 1) sink.raw(most)
    const { packets } = decodeServer([beginning, sink.whole(), pongPacket()], newestRevision, true)
    expect(inShort(packets)).toEqual(['hello', 'progress', 'pong'])
  })

  it('passes a block of any size on as it comes, and collects nothing of it', () => {
    const decoder = new ServerDecoder(newestRevision)
    const start = blockStart(1, 2 ** 30)
      .text('x')
      .text('String')
      .byte(0)
      .whole()
    const row = Buffer.concat([Buffer.from([0x80, 1]), Buffer.alloc(128, 0x61)])
    const content = Buffer.concat(Array(1000).fill(row))
    decoder.expect(true, false)
    drain(decoder, [beginning, packet(1).text('').raw(stored(start)).whole()])
    for (let count = 0; count < 50; count += 1) {
      decoder.push(stored(content))
      expect(decoder.rest()?.length).toBe(content.length)
      expect(decoder.rest()).toBe(null)
    }
    expect(decoder.isInside).toBe(true)
  })

  it.each([
    ['a first packet that is neither a Hello nor an exception', [pongPacket()], 'a server begins with packet 4'],
    ['a second Hello', [beginning, beginning], 'packet 0 of a server'],
    ['a request of parallel replicas', [beginning, packet(16).whole()], 'packet 16 of a server'],
    ['a challenge', [beginning, packet(18).whole()], 'packet 18 of a server'],
    ['a server that is too old', [serverHello({ ...hello, revision: 54058 }, newestRevision)], 'revision 54058'],
    [
      'many password rules',
      [packet(0).text('').varint(1).varint(1).varint(54469).text('').text('').varint(1).varint(257).whole()],
      'the number of password rules',
    ],
    [
      'a long message',
      [
        packet(2)
          .int32(1)
          .text('')
          .varint(1 << 21)
          .whole(),
      ],
      'the message of an error is over',
    ],
    [
      'a JSON column',
      [
        beginning,
        packet(1)
          .text('')
          .raw(stored(blockStart(1, 1).text('x').text('JSON').byte(0).whole()))
          .whole(),
      ],
      '"JSON" end is not known',
    ],
  ])('refuses %s', (_, parts, words) => {
    expect(() => decodeServer([Buffer.concat(parts)], newestRevision, true)).toThrow(words)
  })

  it('gives out no error that has endless causes', () => {
    const one = exceptionPacket(1, 'x')
    const endless = Array.from({ length: 30 }, () => Buffer.concat([one.subarray(1, -1), Buffer.from([1])]))
    expect(() => decodeServer([packet(2).whole(), ...endless], newestRevision, true)).toThrow('more than 16 causes')
  })

  it('stays in step, or refuses, when bytes are changed', () => {
    fc.assert(
      fc.property(
        fc.nat({ max: all.length - 1 }),
        fc.integer({ min: 1, max: 255 }),
        fc.boolean(),
        (place, change, is) => {
          const changed = Buffer.from(all)
          changed[place] = (changed[place] ?? 0) ^ change
          try {
            const { passed } = decodeServer(byteByByte(changed), newestRevision, is, true)
            expect(!is || changed.subarray(0, passed.length).equals(passed)).toBe(true)
          } catch (error) {
            expect(error).toMatchObject({ name: 'ClawError' })
          }
        },
      ),
      { numRuns: 300 },
    )
  })
})
