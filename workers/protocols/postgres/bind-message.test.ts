import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { message } from './backend.fixture.ts'
import { mostParamBytes, readBind } from './bind-message.ts'
import { FrontendDecoder } from './frontend.ts'

const word = (value: number) => Buffer.from([value >> 8, value & 255])
const value = (bytes: Buffer | null) => {
  const length = Buffer.alloc(4)
  length.writeInt32BE(bytes?.length ?? -1)
  return Buffer.concat([length, bytes ?? Buffer.alloc(0)])
}
const codes = (list: readonly number[]) => Buffer.concat([word(list.length), ...list.map(word)])

function body(formats: readonly number[], values: readonly (Buffer | null)[], results: readonly number[] = []) {
  const given = [codes(formats), word(values.length), ...values.map(value), codes(results)]
  return Buffer.concat([Buffer.from('p\0s\0'), ...given])
}

/** What a Bind with this body says, fed in chunks of this size. */
function read(bytes: Buffer, chunk = bytes.length + 5) {
  const decoder = new FrontendDecoder()
  const whole = message('B', bytes)
  for (let at = 0; at < whole.length; at += chunk) {
    decoder.push(whole.subarray(at, at + chunk))
    const next = decoder.next()
    if (next !== null) return readBind(next)
  }
  throw new Error('no message')
}

describe('readBind()', () => {
  it('takes names and parameters apart, wherever the message is split', () => {
    const bytes = body([0, 1], [Buffer.from('x'), null], [1])
    for (let chunk = 1; chunk <= bytes.length + 5; chunk += 1) {
      expect(read(bytes, chunk)).toEqual({
        portal: 'p',
        statement: 's',
        values: [
          { bytes: Buffer.from('x'), isBinary: false },
          { bytes: null, isBinary: true },
        ],
      })
    }
  })

  it('gives back what was put in', () => {
    const bytes = fc.uint8Array({ maxLength: 20 }).map((array) => Buffer.from(array))
    const values = fc.array(fc.option(bytes), { maxLength: 8 })
    fc.assert(
      fc.property(values, fc.constantFrom([], [0], [1]), (given, formats) => {
        const isBinary = formats[0] === 1
        const expected = given.map((each) => ({ bytes: each, isBinary }))
        expect(read(body(formats, given)).values).toEqual(expected)
      }),
    )
  })

  it('keeps parameters up to a size, also when the message is held whole', () => {
    const most = Buffer.alloc(mostParamBytes - 1, 'x')
    expect(read(body([], [most, Buffer.from('y')])).values).toHaveLength(2)
    expect(read(body([], [most, Buffer.from('yy')]))).toEqual({ portal: 'p', statement: 's', values: null })
    expect(read(body([], [Buffer.alloc(1 << 20)]))).toEqual({ portal: 'p', statement: 's', values: null })
  })

  it.each([
    ['is shorter than it says', body([], [Buffer.from('xyz')]).subarray(0, -4)],
    ['ends in a length', body([], [Buffer.from('')]).subarray(0, -4)],
    ['has no counts', Buffer.from('p\0s\0')],
    ['goes on after its end', Buffer.concat([body([], []), Buffer.from([0])])],
    ['has another number of formats', body([0, 0], [Buffer.from('x')])],
    ['has a format there is not', body([2], [Buffer.from('x')])],
    [
      'has a negative length',
      Buffer.concat([Buffer.from('p\0s\0\0\0\0\x01'), Buffer.from([255, 255, 255, 254, 0, 0])]),
    ],
  ])('refuses one that %s', (_what, bytes) => {
    expect(() => read(bytes)).toThrow('Cannot read the message')
  })

  it('reads any bytes, or says that they are malformed', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        try {
          read(Buffer.concat([Buffer.from('p\0s\0'), bytes]))
        } catch (error) {
          expect(String(error)).toContain('Cannot read the message')
        }
      }),
      { numRuns: 500 },
    )
  })
})
