import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ByteSink } from './byte-sink.ts'
import { ClientDecoder, type ClientPacket } from './client-packets.ts'
import { blockStart, byteByByte, contentOf, type Decoded, decodeClient, drain, inShort } from './decode.fixture.ts'
import { addendum, cancelPacket } from './encode.ts'
import { clientHello } from './hello.ts'
import { longestStatement } from './query.ts'
import { recorded } from './recorded.fixture.ts'
import { newestRevision } from './revisions.ts'

/** Hello, addendum and query. */
const byChGo = Buffer.from(
  `
    0002676f0102bca903016401750170017101036964310101750369643109312e322e332e343a35393000000000000001026f73016802
    676f0102bca903017107030100000000000302010000000000000000000000000000050400010000000b6d61785f7468726561647301
    013408726561646f6e6c79000131000002001173656c656374207b783a537472696e677d0178020327312707757365725f6964020327
    322700
  `.replace(/\s/g, ''),
  'hex',
)

const said = (base64: string) => Buffer.from(base64, 'base64')

const hello = clientHello({
  name: 'test',
  major: 1,
  minor: 2,
  revision: 99999,
  database: 'sales',
  user: Buffer.from('ann'),
  password: Buffer.from('secret'),
})
const beginning = Buffer.concat([hello, addendum(newestRevision, '')])

/** A Query of the newest revision, without client info. */
function query(text: string | Buffer, options: { compression?: number; tail?: Buffer } = {}): Buffer {
  return new ByteSink()
    .varint(1)
    .text('id')
    .byte(0)
    .text('')
    .text('')
    .varint(2)
    .varint(options.compression ?? 0)
    .text(text)
    .raw(options.tail ?? Buffer.from([0]))
    .whole()
}

/** A Data packet with one column of texts. */
function data(table: string, values: readonly string[]): Buffer {
  const sink = new ByteSink().varint(2).text(table)
  if (values.length === 0) return sink.raw(blockStart(0, 0).whole()).whole()
  sink.raw(blockStart(1, values.length).whole()).text('x').text('String').byte(0)
  for (const value of values) sink.text(value)
  return sink.whole()
}

const session = Buffer.concat([
  beginning,
  query('select 1'),
  data('ext', ['a', 'bb'.repeat(100), '']),
  data('', []),
  Buffer.from([4]),
  query('insert into t values'),
  data('', []),
  data('', ['z']),
  cancelPacket(),
  new ByteSink().varint(5).varint(1).text('d').text('t').whole(),
])
/** What a server gets of it, but for the frames. */
const sessionPassed = Buffer.concat([
  beginning,
  query('select 1', { compression: 1 }),
  data('ext', ['a', 'bb'.repeat(100), '']),
  data('', []),
  Buffer.from([4]),
  query('insert into t values', { compression: 1 }),
  data('', []),
  data('', ['z']),
  cancelPacket(),
  new ByteSink().varint(5).varint(1).text('d').text('t').whole(),
])
const sessionInShort = [
  'hello',
  'addendum',
  'query',
  'data 1x3',
  'data 0x0',
  'ping',
  'query',
  'data 0x0',
  'data 1x1',
  'cancel',
  'tablesStatus',
]

/** What was passed on, blocks taken out of their frames. */
function plainOf({ packets, parts }: Pick<Decoded<ClientPacket>, 'packets' | 'parts'>): Buffer {
  return Buffer.concat(
    parts.map((part, index) => {
      const packet = packets[index]
      if (packet === undefined || !('block' in packet)) return part
      const head = 2 + Buffer.byteLength(packet.table)
      return Buffer.concat([part.subarray(0, head), contentOf(part.subarray(head))])
    }),
  )
}

/** The block that ends a series, at any revision. */
const noMore = Buffer.from([2, 0, 0, 0, 0])

/** The packets after the Hello and addendum. */
function decode(...parts: Buffer[]) {
  return decodeClient([Buffer.concat([beginning, ...parts])], newestRevision)
}

describe('ClientDecoder', () => {
  it.each(recorded.newest)('reads what a ClickHouse of today says to revision $revision, $method', (one) => {
    const bytes = said(one.said)
    for (const chunks of [[bytes], byteByByte(bytes)]) {
      const { packets, passed, columns } = decodeClient(chunks, one.revision)
      const again = decodeClient([passed], one.revision)
      expect(inShort(again.packets)).toEqual(inShort(packets))
      expect(again.columns).toEqual(columns)
      expect(inShort(packets)).toEqual([
        'hello',
        ...(one.revision >= 54458 ? ['addendum'] : []),
        'tablesStatus',
        'query',
        'data 0x0',
        'query',
        'data 0x0',
        'data 12x5',
        'data 0x0',
      ])
      expect(columns).toHaveLength(12)
      const last = packets.findLast((packet) => packet.kind === 'query')
      expect(last).toMatchObject({ query: { isCompressed: true, info: { kind: 'secondary' } } })
      expect(last?.query.text.toString()).toContain('INSERT INTO')
      expect(last?.query.settings).toContainEqual({ name: 'network_compression_method', flags: 0, value: one.method })
    }
  })

  it.each(recorded.sessions)('reads what $client says, $method', (one) => {
    const bytes = said(one.said)
    for (const chunks of [[bytes], byteByByte(bytes)]) {
      const { packets, passed } = decodeClient(chunks, 54412)
      const again = decodeClient([passed], 54412).packets.filter((packet) => {
        return !('table' in packet) || packet.table !== 'clawpatrol_separates_tables'
      })
      expect(inShort(again)).toEqual(inShort(packets))
      const queries = packets.flatMap((packet) => (packet.kind === 'query' ? [packet.query] : []))
      expect(queries.map(({ isCompressed }) => isCompressed)).toEqual(queries.map(() => one.method !== 'none'))
      expect(queries[0]?.settings).toContainEqual({ name: 'max_threads', flags: 0, value: '1' })
      expect(inShort(packets).filter((kind) => kind.startsWith('data'))).toContain(
        one.client === 'clickhouse-driver' ? 'data 2x1' : 'data 7x2',
      )
    }
  })

  it('reads the same however the bytes are cut', () => {
    for (let cut = 0; cut <= session.length; cut += 1) {
      const decoded = decodeClient([session.subarray(0, cut), session.subarray(cut)], newestRevision)
      expect(inShort(decoded.packets)).toEqual(sessionInShort)
      expect(plainOf(decoded).equals(sessionPassed)).toBe(true)
    }
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: session.length }), { maxLength: 40 }), (cuts) => {
        const places = [0, ...cuts.sort((a, b) => a - b), session.length]
        const chunks = places.slice(1).map((end, index) => session.subarray(places[index], end))
        const decoded = decodeClient(chunks, newestRevision)
        expect(inShort(decoded.packets)).toEqual(sessionInShort)
        expect(plainOf(decoded).equals(sessionPassed)).toBe(true)
      }),
      { numRuns: 100 },
    )
  })

  it('tells what a Hello and a Query say', () => {
    const tail = new ByteSink().text('n').varint(2).text("'it\\'s'").text('').whole()
    const { packets } = decode(query('select {n:String}', { tail }), noMore)
    expect(packets[0]).toMatchObject({ hello: { name: 'test', revision: 99999, database: 'sales' }, goesOn: false })
    expect(packets[2]).toMatchObject({
      query: {
        id: 'id',
        info: { kind: 'none' },
        secret: Buffer.alloc(0),
        stage: 2,
        isCompressed: false,
        text: Buffer.from('select {n:String}'),
        parameters: [{ name: 'n', flags: 2, value: "'it\\'s'" }],
      },
    })
  })

  it('reads a query with a trace, settings and parameters, as ch-go 0.74 writes it', () => {
    const { packets, passed } = decodeClient(byteByByte(Buffer.concat([byChGo, noMore])), 54460)
    expect(packets[2]).toMatchObject({
      query: {
        id: 'id1',
        info: { kind: 'initial', initialUser: 'u', interface: 'tcp', clientName: 'go', quotaKey: 'q' },
        settings: [
          { name: 'max_threads', flags: 1, value: '4' },
          { name: 'readonly', flags: 0, value: '1' },
        ],
        text: Buffer.from('select {x:String}'),
        parameters: [
          { name: 'x', flags: 2, value: "'1'" },
          { name: 'user_id', flags: 2, value: "'2'" },
        ],
      },
    })
    // trace and client are passed on as they are, all but the address
    const address = Buffer.from('1.2.3.4:5')
    const [before, after] = [byChGo.indexOf(address), byChGo.indexOf(address) + address.length]
    const kept = [
      byChGo.subarray(before - 8, before - 1),
      Buffer.from('\t0.0.0.0:0'),
      byChGo.subarray(after, after + 60),
    ]
    expect(passed.includes(Buffer.concat(kept))).toBe(true)
  })

  it('has blocks put into frames only where there is something in them', () => {
    const sent = [
      query('select 1'),
      noMore,
      query('select 2'),
      data('e', ['x']),
      noMore,
      query('INSERT INTO t VALUES'),
      noMore,
    ]
    const { packets, parts } = decode(...sent, data('', ['y']), noMore, query('select 3'), noMore)
    const framed = packets.flatMap((packet) => (packet.kind === 'query' ? [packet.isFramed] : []))
    expect(framed).toEqual([false, true, true, false])
    const flags = packets.map(({ kind }, index) => (kind === 'query' ? parts[index]?.at(8) : null))
    expect(flags.filter((flag) => flag !== null)).toEqual([0, 1, 1, 0])
    expect(parts[3]?.equals(noMore)).toBe(true)
    expect(contentOf((parts[5] ?? noMore).subarray(3)).includes(Buffer.from('String'))).toBe(true)
  })

  it('takes no data for a statement that none was to be expected for', () => {
    expect(() => decode(query('select 1'), noMore, data('e', ['x']))).toThrow('data comes where none was')
    expect(() => decode(data('e', ['x']))).toThrow('data comes where none was')
  })

  it('waits after the Hello until it is told the revision', () => {
    const decoder = new ClientDecoder()
    decoder.push(session)
    expect(decoder.next()?.kind).toBe('hello')
    expect(decoder.next()).toBe(null)
    expect(decoder.next()).toBe(null)
    decoder.begin(newestRevision)
    expect(decoder.next()?.kind).toBe('addendum')
    expect(() => decoder.begin(newestRevision + 1)).toThrow('revision 54470 is not one that is understood')
    expect(() => decoder.begin(54059)).toThrow('revision 54059')
  })

  it('keeps the beginning of a long text, and passes its rest on', () => {
    const tail = new ByteSink().text('n').varint(2).text("'1'").text('').whole()
    const whole = query(`${'x'.repeat(longestStatement)}`, { tail, compression: 1 })
    const longer = query(Buffer.alloc(3 * longestStatement + 5, 'y'), { compression: 1 })
    const { packets, passed } = decode(whole, longer, Buffer.from([4]))
    expect(inShort(packets).slice(2)).toEqual(['query', 'query', 'ping'])
    expect(packets[2]).toMatchObject({ goesOn: false, query: { textBytes: longestStatement, parameters: [{}] } })
    expect(packets[3]).toMatchObject({ goesOn: true, query: { textBytes: 3 * longestStatement + 5, parameters: null } })
    expect(passed.equals(Buffer.concat([beginning, whole, longer, Buffer.from([4])]))).toBe(true)
    const parameters = query(Buffer.alloc(longestStatement + 1, 'y'), { tail })
    expect(() => decode(parameters)).toThrow('a query has parameters and a text of more than 1048576 bytes')
  })

  it('passes a block of any size on as it comes, and collects nothing of it', () => {
    const decoder = new ClientDecoder()
    const start = blockStart(1, 2 ** 36)
      .text('x')
      .text('String')
      .byte(0)
      .whole()
    drain(decoder, [hello], () => decoder.begin(newestRevision))
    drain(decoder, [addendum(newestRevision, ''), query('insert into t values'), Buffer.from([2, 0]), start])
    const chunk = Buffer.concat(Array(504).fill(Buffer.concat([Buffer.from([0x80, 1]), Buffer.alloc(128, 0x61)])))
    const shifted = Buffer.concat([chunk.subarray(77), chunk.subarray(0, 77)])
    for (let count = 0; count < 50; count += 1) {
      const next = count === 0 ? chunk.subarray(0, 77) : shifted
      decoder.push(next)
      const passed: Buffer[] = []
      for (let rest = decoder.rest(); rest !== null; rest = decoder.rest()) passed.push(rest)
      expect(contentOf(Buffer.concat(passed)).equals(next)).toBe(true)
    }
    expect(decoder.isInside).toBe(true)
  })

  it.each([
    ['a first packet that is no Hello', [Buffer.from('GET / HTTP/1.1\r\n')], 'does not begin with a Hello'],
    ['a second Hello', [beginning, hello], 'packet 0 of a client'],
    ['keep-alive', [beginning, Buffer.from([6])], 'packet 6 of a client'],
    ['a query plan', [beginning, Buffer.from([13])], 'packet 13 of a client'],
    ['a code of many bytes', [beginning, Buffer.alloc(10, 0xff)], 'a number is longer than 9 bytes'],
    ['a name that is too long', [Buffer.from([0, 0x81, 0x80, 4])], 'the name of the client is over 65536'],
    ['a kind of query that is none', [beginning, Buffer.from([1, 0, 3])], 'a query is of an unknown kind'],
    ['compression that is none', [beginning, query('x', { compression: 2 })], 'neither compressed nor not'],
    ['a secret that is too long', [beginning, Buffer.from([1, 0, 0, 0, 33])], 'the secret is over 32'],
    ['a text no server takes', [beginning, Buffer.from([1, 0, 0, 0, 0, 2, 0, 0x81, 0x80, 0x80, 0x80, 4])], 'the text'],
    ['a block with rows only', [beginning, Buffer.from([2, 0, 0, 0, 1])], 'a block has rows and no columns'],
    ['a field of a block twice', [beginning, Buffer.from([2, 0, 1, 0, 1, 0, 0, 0, 0])], 'an unknown field'],
    ['an unknown field of a block', [beginning, Buffer.from([2, 0, 3])], 'an unknown field'],
    [
      'too many tables',
      [beginning, new ByteSink().varint(5).varint(10_001).whole()],
      'the number of tables is over 10000',
    ],
    [
      'an aggregate state',
      [
        beginning,
        query('insert into t values'),
        Buffer.from([2, 0]),
        blockStart(1, 1).text('x').text('AggregateFunction(sum, UInt8)').byte(0).whole(),
      ],
      'where values of the type "AggregateFunction(sum, UInt8)" end is not known',
    ],
  ])('refuses %s, and everything after it', (_, parts, words) => {
    const decoder = new ClientDecoder()
    const feed = () =>
      drain(decoder, [Buffer.concat(parts)], ({ kind }) => kind === 'hello' && decoder.begin(newestRevision))
    expect(feed).toThrow(words)
    expect(feed).toThrow(words)
  })

  it('refuses settings of old revisions of which it is not known how they are written', () => {
    const old = (...settings: (string | number)[]) => {
      const sink = new ByteSink().varint(1).text('id').byte(0)
      for (const each of settings) typeof each === 'string' ? sink.text(each) : sink.varint(each)
      return [Buffer.concat([hello, sink.text('').varint(2).varint(0).text('select 1').whole(), noMore])]
    }
    const { packets } = decodeClient(
      old('max_threads', 4, 'totals_mode', 'auto', 'http_zlib_compression_level', 5),
      54412,
    )
    expect(packets[1]).toMatchObject({
      query: {
        settings: [
          { name: 'max_threads', flags: 0, value: '4' },
          { name: 'totals_mode', flags: 0, value: 'auto' },
          { name: 'http_zlib_compression_level', flags: 0, value: '-3' },
        ],
      },
    })
    expect(() => decodeClient(old('max_thread', 4), 54412)).toThrow('how the setting "max_thread" is written')
  })

  it('bounds what it keeps of settings', () => {
    const value = 'v'.repeat(1 << 20)
    const settings = new ByteSink().varint(1).text('').byte(0)
    for (let count = 0; count < 5; count += 1) settings.text(`s${count}`).varint(0).text(value)
    expect(() => decode(settings.whole())).toThrow('it has too many settings')
  })

  it('gives or refuses whatever bytes come, and passes on what it gave', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 64 }), { maxLength: 10 }), fc.boolean(), (parts, isQuery) => {
        const came = Buffer.concat([beginning, ...(isQuery ? [query('select 1')] : []), ...parts])
        try {
          const { passed, packets } = decodeClient(byteByByte(came), newestRevision)
          const again = decodeClient([passed], newestRevision)
          // a query at the end may wait for what follows it
          expect(inShort(packets).slice(0, again.packets.length)).toEqual(inShort(again.packets))
        } catch (error) {
          expect(error).toMatchObject({ name: 'ClawError' })
        }
      }),
      { numRuns: 300 },
    )
  })

  it('stays in step, or refuses, when bytes of a session are changed', () => {
    fc.assert(
      fc.property(fc.nat({ max: session.length - 1 }), fc.integer({ min: 1, max: 255 }), (place, change) => {
        const changed = Buffer.from(session)
        changed[place] = (changed[place] ?? 0) ^ change
        try {
          const { passed, packets } = decodeClient([changed], newestRevision)
          expect(inShort(decodeClient([passed], newestRevision).packets)).toEqual(inShort(packets))
        } catch (error) {
          expect(error).toMatchObject({ name: 'ClawError' })
        }
      }),
      { numRuns: 300 },
    )
  })
})
