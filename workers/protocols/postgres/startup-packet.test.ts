import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { maxStartupBytes, parseStartupPacket, startupLength } from './startup-packet.ts'

const word = (value: number) => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

/** A packet behind its length field. */
function packet(code: number, ...strings: readonly string[]): Buffer {
  return Buffer.concat([word(code), Buffer.from(strings.map((text) => `${text}\0`).join(''))])
}

const version = (major: number, minor: number) => major * 65_536 + minor

describe('parseStartupPacket()', () => {
  it('reads parameters in their order and keeps protocol options apart', () => {
    const sent = packet(
      version(3, 2),
      'user',
      'an',
      '_pq_.x',
      '1',
      'database',
      'orders',
      'application_name',
      'psql',
      '',
    )
    expect(parseStartupPacket(sent)).toEqual({
      kind: 'session',
      protocol: { major: 3, minor: 2 },
      parameters: new Map([
        ['user', 'an'],
        ['database', 'orders'],
        ['application_name', 'psql'],
      ]),
      options: ['_pq_.x'],
    })
  })

  it('tells encryption requests from each other, and reads cancel keys of any length there is', () => {
    expect(parseStartupPacket(packet(80_877_103))).toEqual({ kind: 'ssl' })
    expect(parseStartupPacket(packet(80_877_104))).toEqual({ kind: 'gss' })
    for (const length of [8, 36, 260]) {
      const key = Buffer.alloc(length, 7)
      expect(parseStartupPacket(Buffer.concat([word(80_877_102), key]))).toEqual({ kind: 'cancel', key })
    }
  })

  it.each([
    ['another protocol', packet(version(2, 0), 'user', 'a', ''), '0A000', 'unsupported frontend protocol 2.0'],
    ['an encryption request with contents', packet(80_877_103, 'x'), '08P01', 'has no contents'],
    ['a short cancel key', Buffer.concat([word(80_877_102), Buffer.alloc(7)]), '08P01', 'length of cancel request'],
    ['a long cancel key', Buffer.concat([word(80_877_102), Buffer.alloc(261)]), '08P01', 'length of cancel request'],
    ['no user', packet(version(3, 0), 'database', 'x', ''), '28000', 'no PostgreSQL user name'],
    ['an empty user', packet(version(3, 0), 'user', '', ''), '28000', 'no PostgreSQL user name'],
    [
      'a name the server would cut',
      packet(version(3, 0), 'user', 'a', 'database', 'é'.repeat(32), ''),
      '42622',
      'longer',
    ],
    ['a parameter twice', packet(version(3, 0), 'user', 'a', 'user', 'b', ''), '08P01', '"user" occurs twice'],
    ['an option twice', packet(version(3, 0), 'user', 'a', '_pq_.a', '', '_pq_.a', '', ''), '08P01', 'occurs twice'],
    ['no terminator', packet(version(3, 0), 'user', 'a'), '08P01', 'expected terminator'],
    ['bytes behind the terminator', packet(version(3, 0), 'user', 'a', '', ''), '08P01', 'expected terminator'],
    [
      'a value that does not end',
      Buffer.concat([packet(version(3, 0), 'user'), Buffer.from('a')]),
      '08P01',
      'terminator',
    ],
    ['other than UTF-8', Buffer.from([0, 3, 0, 0, 0x75, 0, 0xe4, 0, 0]), '22021', 'not UTF-8'],
    ['nothing', Buffer.alloc(3), '08P01', 'invalid length'],
  ])('refuses %s', (_, sent, code, because) => {
    expect(parseStartupPacket(sent)).toMatchObject({ kind: 'refused', code, because: expect.stringContaining(because) })
  })

  it('never throws and never makes up a parameter', () => {
    const text = fc.string({ maxLength: 12 }).map((each) => each.replaceAll('\0', ''))
    const honest = fc
      .array(fc.tuple(text, text), { maxLength: 6 })
      .map((pairs) => packet(version(3, 0), ...pairs.flat(), ''))
    const codes = fc.constantFrom(196_608, 196_610, 80_877_102, 80_877_103, 80_877_104, 131_072)
    const wild = fc
      .tuple(codes, fc.uint8Array({ maxLength: 64 }))
      .map(([code, rest]) => Buffer.concat([word(code), rest]))
    fc.assert(
      fc.property(fc.oneof(honest, wild, fc.uint8Array({ maxLength: 64 }).map(Buffer.from)), (bytes: Buffer) => {
        const found = parseStartupPacket(bytes)
        if (found.kind !== 'session') return
        const names = [...found.parameters].flat().concat(found.options)
        expect(names.filter((each) => !bytes.includes(Buffer.from(`${each}\0`)))).toEqual([])
        expect(found.parameters.get('user')).not.toBe('')
      }),
      { numRuns: 500 },
    )
  })
})

describe('startupLength()', () => {
  it("has PostgreSQL's own bounds", () => {
    expect(startupLength(word(8))).toBe(4)
    expect(startupLength(word(maxStartupBytes + 4))).toBe(maxStartupBytes)
    for (const length of [0, 4, 7, maxStartupBytes + 5, 1 << 20, 0x47455420, 0xffffffff])
      expect(startupLength(word(length))).toMatchObject({ kind: 'refused', code: '08P01' })
  })
})
