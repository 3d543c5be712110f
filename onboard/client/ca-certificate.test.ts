import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Authority, makeAuthority } from '../../test/support/authority.ts'
import { readCaCertificate } from './ca-certificate.ts'

let dir = ''
let authority: Authority

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'clawpatrol-ca-test-'))
  authority = makeAuthority(dir, ['gateway.clawpatrol.internal'])
})
afterAll(() => rmSync(dir, { recursive: true }))

describe('readCaCertificate()', () => {
  it('reads one CA and writes it anew', () => {
    const { pem, fingerprint } = readCaCertificate(`\n${authority.ca.replaceAll('\n', '\r\n')}  \n`)
    expect(pem).toBe(authority.ca)
    expect(fingerprint).toMatch(/^([0-9A-F]{2}:){31}[0-9A-F]{2}$/)
  })

  it('refuses whatever is not exactly one certificate of an authority', () => {
    const { ca, cert, key } = authority
    const der = Buffer.from(ca.replace(/-----.*-----|\n/g, ''), 'base64')
    const withTail = `-----BEGIN CERTIFICATE-----\n${Buffer.concat([der, Buffer.from('x')]).toString('base64')}\n-----END CERTIFICATE-----\n`
    const hostile = {
      nothing: '',
      text: 'hello',
      'two certificates': ca + ca,
      'a CA and a leaf': ca + cert,
      'text before it': `hello\n${ca}`,
      'text behind it': `${ca}hello\n`,
      'a key behind it': ca + key,
      'a leaf': cert,
      'a key': key,
      'bytes behind the DER': withTail,
      'half of it': ca.slice(0, ca.length / 2),
      headers: ca.replace('CERTIFICATE-----\n', 'CERTIFICATE-----\nProc-Type: 4,ENCRYPTED\n\n'),
    }
    for (const [what, text] of Object.entries(hostile))
      expect(() => readCaCertificate(text), what).toThrow('The gateway sent no usable CA certificate')
  })

  it('refuses one that has expired', () => {
    const nextWeek = Date.now() + 7 * 86_400_000
    expect(() => readCaCertificate(authority.ca, nextWeek)).toThrow('it expired')
  })

  it('refuses or reads, and never throws anything else, whatever byte is changed', () => {
    const bytes = Buffer.from(authority.ca)
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.nat(255), (at, byte) => {
        const changed = Buffer.from(bytes)
        changed[at] = byte
        try {
          expect(readCaCertificate(changed.toString('latin1')).pem).toBe(authority.ca)
        } catch (error) {
          expect(error).toMatchObject({ code: 'CP_ONBOARD' })
        }
      }),
      { numRuns: 500 },
    )
  })
})
