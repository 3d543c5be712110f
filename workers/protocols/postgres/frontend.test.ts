import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readBind } from './bind-message.ts'
import { executeName, FrontendDecoder, longestStatement, parseParts, queryText, targetOf } from './frontend.ts'

/** A message with this body. */
function message(type: string, body: Buffer | string): Buffer {
  const bytes = Buffer.from(body)
  const head = Buffer.from([type.charCodeAt(0), 0, 0, 0, 0])
  head.writeInt32BE(bytes.length + 4, 1)
  return Buffer.concat([head, bytes])
}

const samples = [
  message('Q', 'select 1\0'),
  message('P', 's1\0select $1\0\0\x01\0\0\0\x17'),
  message('B', 'p\0s1\0\0\0\0\x01\0\0\0\x011\0\0'),
  message('D', 'Ss1\0'),
  message('C', 'Pp\0'),
  message('E', 'p\0\0\0\0\0'),
  message('S', ''),
  message('H', ''),
  message('d', '1\tx\n'),
  message('c', ''),
  message('f', 'no more\0'),
  message('F', Buffer.alloc(10)),
  message('X', ''),
]
const all = Buffer.concat(samples)

/** Everything a decoder gives out when it is fed these chunks, each message whole. */
function decode(chunks: readonly Buffer[]): Buffer[] {
  const decoder = new FrontendDecoder()
  const found: Buffer[] = []
  for (const chunk of chunks) {
    decoder.push(chunk)
    for (;;) {
      const rest = decoder.rest()
      if (rest !== null) {
        found.push(Buffer.concat([found.pop() as Buffer, rest]))
        continue
      }
      const next = decoder.next()
      if (next === null) break
      found.push(next.held)
    }
  }
  return found
}

/** The one message in these bytes. */
function only(bytes: Buffer) {
  const decoder = new FrontendDecoder()
  decoder.push(bytes)
  const next = decoder.next()
  if (next === null) throw new Error('no message')
  return next
}

describe('FrontendDecoder', () => {
  it('splits whole messages', () => {
    expect(decode([all])).toEqual(samples)
  })

  it('splits messages that come byte by byte', () => {
    expect(decode([...all].map((byte) => Buffer.from([byte])))).toEqual(samples)
  })

  it('splits messages cut at every boundary', () => {
    for (let cut = 0; cut <= all.length; cut += 1)
      expect(decode([all.subarray(0, cut), all.subarray(cut)])).toEqual(samples)
  })

  it('splits messages cut anywhere', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 80 }), (sizes) => {
        const chunks: Buffer[] = []
        let at = 0
        for (const size of sizes) {
          chunks.push(all.subarray(at, at + size))
          at += size
        }
        expect(decode([...chunks, all.subarray(Math.min(at, all.length))])).toEqual(samples)
      }),
      { numRuns: 200 },
    )
  })

  it('gives or refuses whatever bytes come, and never more than came', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 64 }), { maxLength: 20 }), (chunks) => {
        let found: Buffer[] = []
        try {
          found = decode(chunks.map((chunk) => Buffer.from(chunk)))
        } catch (error) {
          expect(error).toMatchObject({ name: 'ClawError' })
        }
        const came = Buffer.concat(chunks)
        expect(came.subarray(0, Buffer.concat(found).length)).toEqual(Buffer.concat(found))
      }),
      { numRuns: 300 },
    )
  })

  it('gives out a long Bind with its beginning, and holds no more of it than a chunk', () => {
    const decoder = new FrontendDecoder()
    const head = message('B', 'p\0s\0').subarray(0, 9)
    head.writeInt32BE(0x3ffffffe, 1)
    decoder.push(head)
    const chunk = Buffer.alloc(65536)
    let most = 0
    let taken = 0
    for (let sent = 0; sent < 64 << 20; sent += chunk.length) {
      decoder.push(chunk)
      const next = decoder.next()
      if (next !== null) taken += next.held.length
      for (let rest = decoder.rest(); rest !== null; rest = decoder.rest()) taken += rest.length
      most = Math.max(most, decoder.buffered)
    }
    expect(most).toBeLessThanOrEqual(131_072)
    expect(taken).toBe((64 << 20) + 9)
    expect(decoder.remaining).toBe(0x3fffffff - taken)
  })

  it.each([
    ['a type that is none of a session', message('p', 'password\0'), 'type "p"'],
    ['a type that is no letter', Buffer.from([0, 0, 0, 0, 4]), 'type 0x00'],
    ['a length below 4', Buffer.from([0x51, 0, 0, 0, 3]), 'length 3'],
    ['a negative length', Buffer.from([0x51, 0xff, 0xff, 0xff, 0xff]), 'length -1'],
    ['a length no server takes', Buffer.from([0x42, 0x40, 0, 0, 0]), 'length is 1073741824'],
    ['a Sync with a body', message('S', 'x'), '"S" has length 5, not 4'],
  ])('refuses %s', (_, bytes, words) => {
    expect(() => decode([bytes])).toThrow(words)
  })
})

describe('bodies of messages', () => {
  it('are read', () => {
    expect(queryText(only(samples[0] as Buffer))?.toString()).toBe('select 1')
    const parse = parseParts(only(samples[1] as Buffer))
    expect([parse.name, parse.text?.toString()]).toEqual(['s1', 'select $1'])
    expect(readBind(only(samples[2] as Buffer))).toEqual({
      portal: 'p',
      statement: 's1',
      values: [{ bytes: Buffer.from('1'), isBinary: false }],
    })
    expect(targetOf(only(samples[3] as Buffer))).toEqual({ kind: 'statement', name: 's1' })
    expect(targetOf(only(samples[4] as Buffer))).toEqual({ kind: 'portal', name: 'p' })
    expect(executeName(only(samples[5] as Buffer))).toBe('p')
  })

  it('tell a statement that is too long to be taken apart', () => {
    const longest = 'x'.repeat(longestStatement)
    expect(queryText(only(message('Q', `${longest}\0`)))?.length).toBe(longestStatement)
    expect(queryText(only(message('Q', `${longest}x\0`)))).toBe(null)
    expect(parseParts(only(message('P', `\0${longest}\0\0\0`))).text?.length).toBe(longestStatement)
    expect(parseParts(only(message('P', `\0${longest}x\0\0\0`)))).toEqual({ name: '', text: null, types: [] })
    expect(parseParts(only(message('P', `s\0${longest.repeat(3)}\0\0\0`)))).toEqual({
      name: 's',
      text: null,
      types: [],
    })
  })

  it('tell a name that the server would cut off', () => {
    const [fits, not] = ['n'.repeat(63), 'n'.repeat(64)]
    expect(executeName(only(message('E', `${fits}\0\0\0\0\0`)))).toBe(fits)
    expect(executeName(only(message('E', `${not}\0\0\0\0\0`)))).toBe(null)
    expect(executeName(only(message('E', `${not.repeat(99)}\0\0\0\0\0`)))).toBe(null)
    expect(parseParts(only(message('P', `${not}\0select 1\0\0\0`))).name).toBe(null)
    expect(readBind(only(message('B', `\0${not}\0\0\0\0\0\0\0`)))).toEqual({
      portal: '',
      statement: null,
      values: null,
    })
    expect(targetOf(only(message('C', `S${not}\0`))).name).toBe(null)
  })

  it.each([
    ['a Query with a NUL byte in its text', () => queryText(only(message('Q', 'select 1\0; drop table t\0')))],
    ['a Query that does not end', () => queryText(only(message('Q', 'select 1')))],
    ['an empty Query', () => queryText(only(message('Q', '')))],
    ['a Parse without types', () => parseParts(only(message('P', 's\0select 1\0')))],
    ['a Parse with fewer types than it says', () => parseParts(only(message('P', 's\0select 1\0\0\x02\0\0\0\0')))],
    ['a Parse with more types than it says', () => parseParts(only(message('P', 's\0select 1\0\0\0\0\0\0\0')))],
    ['a Parse whose name does not end', () => parseParts(only(message('P', 'select 1')))],
    ['a Describe of something else', () => targetOf(only(message('D', 'Xs\0')))],
    ['a Close with more than a name', () => targetOf(only(message('C', 'Ss\0t\0')))],
    ['an Execute without a row count', () => executeName(only(message('E', 'p\0')))],
    ['a Bind whose names do not end', () => readBind(only(message('B', 'p\0s')))],
  ])('refuse %s', (_, read) => {
    expect(read).toThrow('Cannot read the message')
  })
})
