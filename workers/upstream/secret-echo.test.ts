import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { HeaderList } from '../wire/http/header-list.ts'
import { Sampler } from '../wire/http/sampler.ts'
import { isSearchable, ResponseSink } from './http/response-sink.ts'
import { echoOf, maskHeaders } from './secret-echo.ts'

const secret = { '': 'tök/en+with"quotes"-42' }
const echo = echoOf(secret)
if (echo === null) throw new Error('no echo')
const value = secret['']
const forms = [
  value,
  encodeURIComponent(value),
  JSON.stringify(value).slice(1, -1),
  Buffer.from(value).toString('hex'),
  ...['', 'u:', 'us:'].map((user) => Buffer.from(user + value).toString('base64')),
]

/** What an agent gets of a body that comes in these pieces, and what is recorded. */
function pass(pieces: readonly Buffer[]): { readonly text: string; readonly sampled: string } {
  const got: Buffer[] = []
  const sampler = new Sampler(1 << 20)
  const to = {
    write: (chunk: Buffer) => got.push(chunk) > 0,
    end: () => undefined,
    abort: () => undefined,
    onDrain: null,
  }
  const sink = new ResponseSink({ to, sampler, echo, done: () => undefined })
  for (const piece of pieces) sink.write(piece)
  sink.end(null)
  const sample = sampler.sample(true)
  return { text: Buffer.concat(got).toString('latin1'), sampled: Buffer.from(sample?.bytes ?? []).toString('latin1') }
}

describe('an echoed secret', () => {
  it.each(forms)('is masked byte for byte, split at every boundary: form %#', (form) => {
    const body = Buffer.from(`before ${form} after`)
    const whole = pass([body])
    expect(whole.text).toHaveLength(body.length)
    expect(whole.text).toMatch(/^before .{0,5}\*{8,}.{0,4} after$/)
    expect(whole.sampled).toBe(whole.text)
    for (let at = 1; at < body.length; at += 1) expect(pass([body.subarray(0, at), body.subarray(at)])).toEqual(whole)
    expect(pass([...body].map((byte) => Buffer.from([byte])))).toEqual(whole)
  })

  it('leaves everything else as it is, however it is cut', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 60 })), (pieces) => {
        const all = Buffer.concat(pieces).toString('latin1')
        expect(pass(pieces.map((piece) => Buffer.from(piece))).text).toBe(all)
      }),
      { numRuns: 200 },
    )
  })

  it('does not hold up bytes that cannot be its begin', () => {
    const got: string[] = []
    const to = {
      write: (chunk: Buffer) => got.push(chunk.toString()) > 0,
      end: () => undefined,
      abort: () => undefined,
      onDrain: null,
    }
    const sink = new ResponseSink({ to, sampler: new Sampler(10), echo, done: () => undefined })
    sink.write(Buffer.from('data: one\n\n'))
    expect(got).toEqual(['data: one\n\n'])
  })

  it('is masked in headers', () => {
    const latin1 = Buffer.from(value).toString('latin1')
    const headers = HeaderList.of('X-One', 'plain', 'X-Two', `Bearer ${latin1}`)
    expect(maskHeaders(headers, echo).values).toEqual(['plain', `Bearer ${'*'.repeat(latin1.length)}`])
    const clean = HeaderList.of('X-One', 'plain')
    expect(maskHeaders(clean, echo)).toBe(clean)
  })

  it('is not looked for when it is too short', () => {
    expect(echoOf({ '': 'short' })).toBe(null)
  })

  it.each([
    [['Content-Type', 'application/json; charset=utf-8'], true],
    [['Content-Type', 'text/event-stream'], true],
    [[], true],
    [['Content-Type', 'application/octet-stream'], false],
    [['Content-Type', 'text/plain', 'Content-Encoding', 'gzip'], true],
  ])('is looked for in %j: %s', (pairs, expected) => {
    expect(isSearchable(HeaderList.of(...pairs))).toBe(expected)
  })
})
