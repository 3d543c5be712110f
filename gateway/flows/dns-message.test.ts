import packet from 'dns-packet'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type DnsQuery, parseQuery, rcode, recordType, udpLimit, writeAnswer, writeError } from './dns-message.ts'

interface Asked {
  readonly name: string
  readonly type?: string
  readonly edns?: number
}

function ask({ name, type = 'A', edns }: Asked): Buffer {
  return packet.encode({
    type: 'query',
    id: 0x1234,
    flags: packet.RECURSION_DESIRED,
    questions: [{ type: type as 'A', name }],
    ...(edns === undefined
      ? {}
      : { additionals: [{ type: 'OPT', name: '.', udpPayloadSize: edns, flags: 0, options: [] } as never] }),
  })
}

function queryOf(bytes: Uint8Array): DnsQuery {
  const parsed = parseQuery(bytes)
  if (parsed.kind !== 'query') throw new Error(`not a query: ${parsed.kind}`)
  return parsed.query
}

const address = (last: number) => ({ type: recordType.a, ttlS: 30, data: Uint8Array.from([192, 0, 2, last]) })

describe('parseQuery()', () => {
  it('reads name, type, class and what EDNS says', () => {
    expect(queryOf(ask({ name: 'wWw.Example.COM', type: 'AAAA', edns: 1400 }))).toMatchObject({
      id: 0x1234,
      recursionDesired: true,
      name: 'www.example.com',
      type: recordType.aaaa,
      class: 1,
      firstLabel: 3,
      edns: { udpSize: 1400, version: 0, dnssecOk: false },
    })
  })

  it('escapes what is no character of a host name, so that a dot in a label is none', () => {
    const bytes = ask({ name: 'axb.example' })
    bytes[14] = 0x2e
    expect(queryOf(bytes).name).toBe('a\\046b.example')
  })

  it.each<[string, (bytes: Buffer) => Uint8Array, string]>([
    ['nothing', () => Buffer.alloc(0), 'drop'],
    ['half a header', (bytes) => bytes.subarray(0, 11), 'drop'],
    ['an answer', (bytes) => set(bytes, 2, 0x81), 'drop'],
    ['a notify', (bytes) => set(bytes, 2, 0x20), 'error 4'],
    ['an update', (bytes) => set(bytes, 2, 0x28), 'error 4'],
    ['no question', (bytes) => set(bytes, 5, 0), 'error 1'],
    ['two questions', (bytes) => set(bytes, 5, 2), 'error 1'],
    ['a header alone', (bytes) => bytes.subarray(0, 12), 'error 1'],
    ['a name that is cut off', (bytes) => bytes.subarray(0, 15), 'error 1'],
    ['a question without its class', (bytes) => bytes.subarray(0, bytes.length - 2), 'error 1'],
    ['a pointer in the name', (bytes) => set(bytes, 12, 0xc0), 'error 1'],
    ['a label of 64', (bytes) => set(bytes, 12, 64), 'error 1'],
    ['a record that is not there', (bytes) => set(bytes, 11, 1), 'error 1'],
  ])('does not take %s for a query', (_what, change, expected) => {
    const parsed = parseQuery(change(ask({ name: 'a.example' })))
    expect(parsed.kind === 'error' ? `error ${parsed.code}` : parsed.kind).toBe(expected)
  })

  it('does not take a name longer than 255 bytes', () => {
    const label = Buffer.concat([Buffer.from([63]), Buffer.alloc(63, 97)])
    const head = ask({ name: 'a' }).subarray(0, 12)
    const long = Buffer.concat([head, label, label, label, label, Buffer.from([0, 0, 1, 0, 1])])
    expect(parseQuery(long)).toMatchObject({ kind: 'error', code: rcode.formErr })
  })

  it('does not take two EDNS records', () => {
    const once = ask({ name: 'a.example', edns: 1232 })
    const opt = once.subarray(once.length - 11)
    expect(parseQuery(set(Buffer.concat([once, opt]), 11, 2))).toMatchObject({ kind: 'error', code: rcode.formErr })
  })

  it('reads the same of every prefix it takes, and throws at none', () => {
    const whole = ask({ name: 'some.name.example', edns: 1232 })
    for (let length = 0; length < whole.length; length += 1) {
      expect(parseQuery(whole.subarray(0, length)).kind).not.toBe('query')
    }
  })

  it('survives any bytes, and repeats the question as it stood', () => {
    const run = (bytes: Uint8Array) => {
      const parsed = parseQuery(bytes)
      if (parsed.kind !== 'query') return
      const answer = writeAnswer(parsed.query, { code: rcode.noError, records: [address(1)], negative: true }, 512)
      const end = 12 + parsed.query.question.length
      expect(Buffer.from(answer.subarray(12, end))).toEqual(Buffer.from(bytes.subarray(12, end)))
      expect(answer.length).toBeLessThanOrEqual(512)
    }
    fc.assert(fc.property(fc.uint8Array({ maxLength: 600 }), run), { numRuns: 2000 })
    const damaged = fc.tuple(fc.nat(40), fc.nat(255), fc.integer({ min: 0, max: 40 }))
    const base = ask({ name: 'some.name.example', edns: 1232 })
    const damage = ([at, value, cut]: [number, number, number]) =>
      run(set(Buffer.from(base), at % base.length, value).subarray(0, base.length - cut))
    fc.assert(fc.property(damaged, damage), { numRuns: 2000 })
  })
})

describe('writeAnswer()', () => {
  it('answers the question with its case as it was', () => {
    const query = queryOf(ask({ name: 'WwW.example' }))
    const answer = { code: rcode.noError, records: [address(1), address(2)], authoritative: true }
    expect(packet.decode(Buffer.from(writeAnswer(query, answer, 512)))).toMatchObject({
      id: 0x1234,
      rcode: 'NOERROR',
      flag_qr: true,
      flag_aa: true,
      flag_ra: true,
      flag_rd: true,
      flag_tc: false,
      questions: [{ name: 'WwW.example', type: 'A' }],
      answers: [
        { name: 'WwW.example', ttl: 30, data: '192.0.2.1' },
        { name: 'WwW.example', ttl: 30, data: '192.0.2.2' },
      ],
    })
  })

  it.each([
    ['a.b.example', 'b.example'],
    ['example', '.'],
    ['.', '.'],
  ])('puts the start of authority of %s at its parent', (name, parent) => {
    const bytes = writeAnswer(queryOf(ask({ name })), { code: rcode.nxDomain, records: [], negative: true }, 512)
    expect(packet.decode(Buffer.from(bytes))).toMatchObject({
      rcode: 'NXDOMAIN',
      answers: [],
      authorities: [{ name: parent, type: 'SOA', ttl: 30, data: { mname: 'clawpatrol.invalid', minimum: 30 } }],
    })
  })

  it('says so when the records do not fit, and sends none', () => {
    const records = Array.from({ length: 60 }, (_, index) => address(index))
    const bytes = writeAnswer(queryOf(ask({ name: 'a.example' })), { code: rcode.noError, records }, 512)
    expect(bytes.length).toBeLessThanOrEqual(512)
    expect(packet.decode(Buffer.from(bytes))).toMatchObject({ flag_tc: true, answers: [] })
  })

  it('passes the cut of another server on', () => {
    const relayed = { answers: 0, isTruncated: true, bytes: new Uint8Array() }
    const bytes = writeAnswer(queryOf(ask({ name: 'a.example' })), { code: rcode.noError, records: [], relayed }, 512)
    expect(packet.decode(Buffer.from(bytes))).toMatchObject({ flag_tc: true })
  })

  it('says why in an extended error, only to clients that know EDNS', () => {
    const answer = { code: rcode.nxDomain, records: [], extendedError: { code: 15, text: 'blocked' } }
    const told = writeAnswer(queryOf(ask({ name: 'a.example', edns: 1232 })), answer, 1232)
    expect(Buffer.from(told).includes('blocked')).toBe(true)
    expect(packet.decode(Buffer.from(told))).toMatchObject({ additionals: [{ type: 'OPT', udpPayloadSize: 1232 }] })
    const untold = writeAnswer(queryOf(ask({ name: 'a.example' })), answer, 512)
    expect(Buffer.from(untold).includes('blocked')).toBe(false)
  })

  it('spreads a code above 15 over header and EDNS', () => {
    const bytes = writeAnswer(queryOf(ask({ name: 'a', edns: 512 })), { code: rcode.badVers, records: [] }, 512)
    expect((bytes[3] ?? 0) & 15).toBe(0)
    expect(bytes.at(-6)).toBe(1)
  })

  it('is a header alone for what could not be read', () => {
    expect([...writeError(0x1234, rcode.formErr)]).toEqual([0x12, 0x34, 0x80, 1, 0, 0, 0, 0, 0, 0, 0, 0])
  })
})

describe('udpLimit()', () => {
  it.each([
    [undefined, 512],
    [100, 512],
    [900, 900],
    [4096, 1232],
  ])('of a client that says %s is %s', (edns, expected) => {
    expect(udpLimit(queryOf(ask(edns === undefined ? { name: 'a' } : { name: 'a', edns })))).toBe(expected)
  })
})

function set(bytes: Buffer, at: number, value: number): Buffer {
  bytes[at] = value
  return bytes
}
