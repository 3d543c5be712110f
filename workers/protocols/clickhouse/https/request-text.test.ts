import zlib from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Body } from '../../../wire/http/body.ts'
import type { Exchange } from '../../../wire/http/exchange.ts'
import { parseRequestHead } from '../../../wire/http/request-head.ts'
import { readRequestText } from './request-text.ts'

const wants = { body: false, json: false }
const maxBytes = 20_000

/** A POST whose body comes in these pieces. */
function posted(pieces: readonly Buffer[], coding: string | null): Exchange {
  const field = coding === null ? '' : `Content-Encoding: ${coding}\r\n`
  const head = parseRequestHead(
    Buffer.from(`POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n${field}\r\n`),
  )
  if (head.kind !== 'request') throw new Error(head.because)
  const body = new Body(null, null)
  setImmediate(() => {
    for (const piece of pieces) body.push(piece)
    body.finish(null)
  })
  return { head, body, invite: () => undefined } as unknown as Exchange
}

function cut(bytes: Buffer, at: readonly number[]): readonly Buffer[] {
  const places = [...new Set(at.map((place) => place % (bytes.length + 1)))].sort((one, other) => one - other)
  return [0, ...places].map((from, index) => bytes.subarray(from, places[index] ?? bytes.length))
}

const packers: readonly (readonly [coding: string | null, pack: (bytes: Buffer) => Buffer])[] = [
  [null, (bytes) => bytes],
  ['gzip', (bytes) => zlib.gzipSync(bytes)],
  ['deflate', (bytes) => zlib.deflateSync(bytes)],
]

const statement = 'SELECT "ä", \'x;y\' /* – */ FROM a.b -- c\n WHERE d = {e:UInt8}'
const insert = 'INSERT INTO a.b (c) FORMAT'

describe('readRequestText()', () => {
  it('joins URL and body as the server does, wherever the statement is split and however it comes', async () => {
    const bytes = Buffer.from(statement)
    const split = fc.nat(bytes.length)
    const pieces = fc.array(fc.nat(1000), { maxLength: 5 })
    await fc.assert(
      fc.asyncProperty(split, pieces, fc.constantFrom(...packers), async (at, places, [coding, pack]) => {
        const query = bytes.subarray(0, at).toString('latin1')
        const exchange = posted(cut(pack(bytes.subarray(at)), places), coding)
        const read = await readRequestText(exchange, { query, isPlain: true, wants, maxBytes })
        const whole = Buffer.concat([bytes.subarray(0, at), Buffer.from(at === 0 ? '' : '\n'), bytes.subarray(at)])
        const isText = Buffer.compare(Buffer.from(whole.toString()), whole) === 0
        expect(read).toMatchObject(
          isText ? { kind: 'text', text: whole.toString() } : { kind: 'unknown', because: 'undecodable' },
        )
      }),
      { numRuns: 150 },
    )
  })

  it('finds the same INSERT before any data, of any length', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('CSV', 'RowBinary', 'Native'),
        fc.uint8Array({ maxLength: 200 }),
        fc.constantFrom(1, 100, 300),
        fc.constantFrom(...packers),
        async (format, data, times, [coding, pack]) => {
          const rows = Buffer.concat(Array.from({ length: times }, () => Buffer.from(data)))
          const bytes = pack(Buffer.concat([Buffer.from(`${insert} ${format}\nx,`), rows]))
          const read = await readRequestText(posted([bytes], coding), { query: '', isPlain: true, wants, maxBytes })
          expect(read).toMatchObject({ kind: 'text', text: `${insert} ${format}` })
        },
      ),
      { numRuns: 100 },
    )
  })
})
