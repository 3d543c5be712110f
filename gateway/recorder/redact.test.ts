import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { buildMatcher } from './matcher.ts'
import { buildRedactor, isSensitiveName, redactedMark } from './redact.ts'
import { secretForms, shortestSecret } from './secret-forms.ts'

const secret = 'sk-live/4f+9Zq=7 "x"ß'
const whole = { start: false, end: false }

function text(redactor: ReturnType<typeof buildRedactor>, raw: string): string {
  return Buffer.from(redactor.bytes(Buffer.from(raw), whole)).toString()
}

describe('buildRedactor()', () => {
  const redactor = buildRedactor([secret, 'other-secret'])

  it('finds a secret raw, in base64 at each offset, in hexadecimal, escaped for URLs and JSON', () => {
    const bytes = Buffer.from(secret)
    const forms = [
      secret,
      JSON.stringify(secret).slice(1, -1),
      bytes.toString('hex'),
      bytes.toString('hex').toUpperCase(),
      encodeURIComponent(secret),
      encodeURIComponent(secret).replaceAll('%20', '+'),
    ]
    for (const form of forms) expect(redactor.text(`<${form}>`)).toBe(`<${redactedMark}>`)
    for (const before of ['', 'u', 'us', 'use', 'user:']) {
      for (const encoding of ['base64', 'base64url'] as const) {
        const encoded = Buffer.from(`${before}${secret}${before}`).toString(encoding)
        const clean = redactor.text(encoded)
        expect(clean).toContain(redactedMark)
        expect(clean.length - redactedMark.length).toBeLessThan(before.length * 3 + 8)
      }
    }
  })

  it('finds a secret in the bytes of a sample as UTF-8', () => {
    expect(text(redactor, `a ${secret} b`)).toBe(`a ${redactedMark} b`)
    const untouched = Buffer.from([0, 255, 254, 1])
    expect(redactor.bytes(untouched, whole)).toBe(untouched)
  })

  it('redacts what of a secret stands at the cut of a sample or at the edge of a frame', () => {
    const redact = buildRedactor(['abcdefghijkl'])
    const bytes = (raw: string, open: { start: boolean; end: boolean }) =>
      Buffer.from(redact.bytes(Buffer.from(raw), open)).toString()
    expect(bytes('key=abcdefg', { start: false, end: true })).toBe(`key=${redactedMark}`)
    expect(bytes('fghijkl rest', { start: true, end: true })).toBe(`${redactedMark} rest`)
    expect(bytes('cdefghi', { start: true, end: true })).toBe(redactedMark)
    expect(bytes('key=abcdefg', whole)).toBe('key=abcdefg')
  })

  it('hides values under sensitive names, whatever they are, and shortens long texts', () => {
    const facts = { Authorization: 'x', 'x-api-key': 'y', cookie: ['a'], path: '/ok', n: 12n, none: null }
    expect(JSON.parse(redactor.json({ ...facts, long: 'z'.repeat(99) }, 10))).toEqual({
      Authorization: '***',
      'x-api-key': '***',
      cookie: '***',
      path: '/ok',
      n: 12,
      none: null,
      long: 'zzzzzzzzz…',
    })
  })

  it('redacts before it shortens: no half of a secret stays', () => {
    const json = buildRedactor(['abcdefghijkl']).json({ a: `123456abcdefghijkl${'z'.repeat(90)}` }, 12)
    expect(json).not.toContain('abc')
  })

  it('finds a secret spread over the punctuation between two facts, and keeps JSON readable', () => {
    const spread = buildRedactor(['a":"one'])
    expect(spread.json({ a: 'one', b: 'two' }, 99)).toBe(`{"…":"${redactedMark}"}`)
  })

  it('takes out what follows an authorization scheme in words', () => {
    expect(redactor.words('upstream said: bad Bearer abc.def-ghi, try Basic dTpw')).toBe(
      'upstream said: bad Bearer *** try Basic ***',
    )
  })

  it('leaves everything as it is without secrets, and does not look for short ones', () => {
    expect(buildRedactor([]).text('abc')).toBe('abc')
    expect(buildRedactor(['abc']).text('abc')).toBe('abc')
  })

  it('looks for the lines of a key, not for its markers', () => {
    const pem = '-----BEGIN KEY-----\nMIIabcdefghijklmnopqrstuvw\nxyzxyzxyzxyzxyzxyzxyz\n-----END KEY-----\n'
    const redact = buildRedactor([pem])
    expect(redact.text('line MIIabcdefghijklmnopqrstuvw')).toBe(`line ${redactedMark}`)
    expect(redact.text('-----BEGIN KEY-----')).toBe('-----BEGIN KEY-----')
  })

  it('never leaves a secret in any text, in any form', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ minLength: shortestSecret, maxLength: 24 }), { minLength: 1, maxLength: 5 }),
        fc.string(),
        fc.string(),
        (secrets, before, after) => {
          const redact = buildRedactor(secrets)
          for (const each of secrets) {
            for (const form of secretForms(each)) {
              const clean = redact.text(before + form + after)
              // the mark itself may hold a pattern that a test invents
              if (!redactedMark.includes(form)) expect(clean.replaceAll(redactedMark, '\0')).not.toContain(form)
            }
          }
        },
      ),
      { numRuns: 150 },
    )
  })
})

describe('isSensitiveName()', () => {
  it('knows the names of headers and fields that hold secrets', () => {
    const sensitive = [
      'authorization',
      'Proxy-Authorization',
      'Cookie',
      'set-cookie',
      'X-Api-Key',
      'apikey',
      'password',
    ]
    for (const name of [...sensitive, 'client_secret', 'x-auth-token', 'token', 'private_key', 'x-hub-signature'])
      expect([name, isSensitiveName(name)]).toEqual([name, true])
    for (const name of ['method', 'path', 'host', 'content-type', 'tokens_used', 'author'])
      expect([name, isSensitiveName(name)]).toEqual([name, false])
  })
})

describe('buildMatcher()', () => {
  it('finds exactly what a search for each pattern finds', () => {
    const letters = fc.string({ unit: fc.constantFrom('a', 'b', 'c', 'ß'), minLength: 3, maxLength: 6 })
    const long = fc.string({ unit: fc.constantFrom('a', 'b', 'c', 'ß'), maxLength: 60 })
    fc.assert(
      fc.property(fc.array(letters, { minLength: 1, maxLength: 4 }), long, (patterns, raw) => {
        const covered = Array.from(raw, () => false)
        for (const pattern of patterns)
          for (let at = raw.indexOf(pattern); at >= 0; at = raw.indexOf(pattern, at + 1))
            covered.fill(true, at, at + pattern.length)
        const found = Array.from(raw, () => false)
        for (const [from, to] of buildMatcher(patterns).find(raw)) found.fill(true, from, to)
        expect(found).toEqual(covered)
      }),
      { numRuns: 400 },
    )
  })
})
