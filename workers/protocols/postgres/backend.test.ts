import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BackendScanner, commandTag, errorParts, parameterOf } from './backend.ts'
import { errorResponse, fatal, readyForQuery } from './respond.ts'
import { Tally } from './tally.ts'

/** A message with this body. */
function message(type: string, body: Buffer | string): Buffer {
  const bytes = Buffer.from(body)
  const head = Buffer.from([type.charCodeAt(0), 0, 0, 0, 0])
  head.writeInt32BE(bytes.length + 4, 1)
  return Buffer.concat([head, bytes])
}

const error = errorResponse('34000', 'no such portal')
const samples = [
  message('T', Buffer.alloc(40, 7)),
  message('D', Buffer.alloc(300, 0x45)),
  message('D', Buffer.alloc(3, 0x45)),
  message('C', 'SELECT 2\0'),
  error,
  message('1', ''),
  message('2', ''),
  message('S', 'client_encoding\0UTF8\0'),
  message('d', Buffer.alloc(70, 0x5a)),
  message('c', ''),
  readyForQuery('T'),
]
const all = Buffer.concat(samples)
const told = ['T', 'C', 'E', '1', '2', 'S', 'c', 'Z']

/** What a scanner tells of these chunks. */
function scan(chunks: readonly Buffer[], isKept: (type: string) => boolean = () => false, tally = new Tally()) {
  const began: string[] = []
  const ended: [string, string][] = []
  const passed: Buffer[] = []
  const between: boolean[] = []
  const scanner = new BackendScanner({
    began: (type) => {
      began.push(String.fromCharCode(type))
      return isKept(String.fromCharCode(type))
    },
    ended: (type, body) => void ended.push([String.fromCharCode(type), body.toString('latin1')]),
    rows: () => tally,
    pass: (bytes) => void passed.push(bytes),
  })
  for (const chunk of chunks) {
    scanner.scan(chunk)
    between.push(scanner.isBetween)
  }
  return { began, ended, passed: Buffer.concat(passed), pieces: passed, between, position: scanner.position }
}

const ends = [
  ['T', '\x07'.repeat(40)],
  ['C', 'SELECT 2\0'],
  ['E', error.subarray(5).toString('latin1')],
  ['S', 'client_encoding\0UTF8\0'],
  ['Z', 'T'],
]

describe('BackendScanner', () => {
  it('passes a chunk as it is', () => {
    const seen = scan([all])
    expect(seen.pieces).toEqual([all])
    expect(seen.pieces[0]?.buffer).toBe(all.buffer)
    expect([seen.began, seen.ended, seen.position]).toEqual([told, ends, all.length])
  })

  it('passes bytes that come one by one, and knows when a message is whole', () => {
    const seen = scan([...all].map((byte) => Buffer.from([byte])))
    expect(seen.passed).toEqual(all)
    expect([seen.began, seen.ended]).toEqual([told, ends])
    expect(seen.between.at(-1)).toBe(true)
    expect(seen.between[10]).toBe(false)
  })

  it('gives no row that is not to be given, wherever it is cut', () => {
    const rows = samples.filter(([type]) => type === 0x44 || type === 0x64)
    const most = (rows[0]?.length ?? 0) + (rows[1]?.length ?? 0)
    const without = Buffer.concat(samples.filter((sample) => sample !== rows[2]))
    for (let cut = 0; cut <= all.length; cut += 1) {
      const tally = new Tally({ rows: 2, bytes: most })
      const seen = scan([all.subarray(0, cut), all.subarray(cut)], () => false, tally)
      expect(seen.passed).toEqual(without)
      expect([tally.rows, tally.bytes, tally.over]).toEqual([2, most, 'rows'])
    }
    const tally = new Tally({ bytes: most - 1 })
    scan([all], () => false, tally)
    expect([tally.rows, tally.bytes, tally.over]).toEqual([1, rows[0]?.length, 'bytes'])
  })

  it('keeps a message back wherever it is cut', () => {
    const without = Buffer.concat(samples.filter((sample) => sample !== error))
    for (let cut = 0; cut <= all.length; cut += 1) {
      const seen = scan([all.subarray(0, cut), all.subarray(cut)], (type) => type === 'E')
      expect(seen.passed).toEqual(without)
      expect(seen.ended).toEqual(ends)
    }
  })

  it('sees the same however the bytes are cut', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 90 }), { maxLength: 40 }), fc.boolean(), (sizes, isKept) => {
        const chunks: Buffer[] = []
        let at = 0
        for (const size of sizes) {
          chunks.push(all.subarray(at, at + size))
          at += size
        }
        const seen = scan([...chunks, all.subarray(Math.min(at, all.length))], (type) => isKept && type === 'E')
        expect(seen.passed.length).toBe(isKept ? all.length - error.length : all.length)
        expect([seen.began, seen.ended]).toEqual([told, ends])
      }),
      { numRuns: 200 },
    )
  })

  it('passes no byte of a message that is none', () => {
    expect(() => scan([message('R', Buffer.alloc(4))])).toThrow('type 0x52')
    expect(() => scan([Buffer.from([0x44, 0, 0, 0, 3])])).toThrow('length 3')
    expect(() => scan([Buffer.from([0x44]), Buffer.from([0xff, 0xff, 0xff, 0xff])])).toThrow('length -1')
    expect(() => scan([message('Y', Buffer.alloc(3))])).toThrow('type 0x59')
  })

  it('collects no more than it looks at of a long error', () => {
    const seen = scan([message('E', Buffer.alloc(200_000, 0x41))])
    expect(seen.ended[0]?.[1].length).toBe(65536)
    expect(seen.passed.length).toBe(200_005)
  })
})

describe('what a server says', () => {
  it('is read', () => {
    expect(commandTag(Buffer.from('INSERT 0 1\0'))).toBe('INSERT 0 1')
    expect(errorParts(error.subarray(5))).toEqual({ code: '34000', isFatal: false })
    expect(errorParts(fatal('57P01', 'bye').subarray(5))).toEqual({ code: '57P01', isFatal: true })
    expect(errorParts(Buffer.from('SFEHLER\0VFATAL\0C57P02\0\0'))).toEqual({ code: '57P02', isFatal: true })
    expect(errorParts(Buffer.from('M'))).toEqual({ code: 'XX000', isFatal: false })
    expect(parameterOf(Buffer.from('TimeZone\0UTC\0'))).toEqual(['TimeZone', 'UTC'])
    expect(() => parameterOf(Buffer.from('TimeZone'))).toThrow('broken')
  })
})
