import { createHash, X509Certificate } from 'node:crypto'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { certificateHash } from './certificate-hash.ts'
import { makePki, type Pki } from './server.fixture.ts'

const rsa = ['-newkey', 'rsa:2048']
const pss = (hash: string) => [...rsa, `-${hash}`, '-sigopt', 'rsa_padding_mode:pss']

describe('certificateHash()', () => {
  let pki: Pki
  beforeAll(() => {
    pki = makePki()
  })
  afterAll(() => pki[Symbol.dispose]())

  const derOf = (words: readonly string[]) => new X509Certificate(pki.selfSigned('db.test', ...words).cert).raw

  it.each([
    ['ECDSA with SHA-256', [], 'sha256'],
    ['ECDSA with SHA-384', ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-384', '-sha384'], 'sha384'],
    ['RSA with SHA-256', rsa, 'sha256'],
    ['RSA with SHA-512', [...rsa, '-sha512'], 'sha512'],
    ['RSA with SHA-1', [...rsa, '-sha1'], 'sha256'],
    ['RSASSA-PSS with SHA-384', pss('sha384'), 'sha384'],
    ['RSASSA-PSS with SHA-256', pss('sha256'), 'sha256'],
    ['Ed25519', ['-newkey', 'ed25519'], null],
  ] as const)('uses the hash function of %s', (_, words, hash) => {
    const der = derOf(words)
    const wanted = hash === null ? null : createHash(hash).update(der).digest('hex')
    expect(certificateHash(der)?.toString('hex') ?? null).toBe(wanted)
  })

  it('never throws', () => {
    const der = derOf([])
    fc.assert(
      fc.property(fc.nat(der.length - 1), fc.nat(255), fc.nat(der.length), (at, value, length) => {
        const broken = Buffer.from(der.subarray(0, length))
        if (at < broken.length) broken[at] = value
        const found = certificateHash(broken)
        expect(found === null || found.length >= 28).toBe(true)
      }),
      { numRuns: 500 },
    )
  })
})
