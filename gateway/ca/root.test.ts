import { X509Certificate } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { openVault } from '../secrets/vault.ts'
import { scratch } from '../store/scratch.fixture.ts'
import { bundleOf } from './bundle.ts'
import { openRoot } from './root.ts'

describe('openRoot()', () => {
  it('makes a P-256 authority for ten years that may sign leaves only', async () => {
    await using place = scratch()
    await using vault = await openVault(place.database, { env: {} })
    const now = Date.UTC(2026, 10, 21)
    const root = await openRoot(vault, () => now)
    const certificate = new X509Certificate(root.certificatePem)
    expect(certificate.subject).toBe('CN=clawpatrol gateway CA')
    expect(certificate.issuer).toBe(certificate.subject)
    expect(certificate.ca).toBe(true)
    expect(certificate.verify(certificate.publicKey)).toBe(true)
    expect(certificate.publicKey.asymmetricKeyDetails).toEqual({ namedCurve: 'prime256v1' })
    expect(new Date(certificate.validFrom).getTime()).toBe(now - 3_600_000)
    expect(root.notAfter.toISOString()).toBe('2036-11-21T00:00:00.000Z')
    expect(root.fingerprint).toMatch(/^([0-9A-F]{2}:){31}[0-9A-F]{2}$/)
    expect(JSON.stringify(root)).not.toContain('PRIVATE')
  })

  it('is the same after a restart, in every form clients take', async () => {
    await using place = scratch()
    await using vault = await openVault(place.database, { env: {} })
    const first = await openRoot(vault)
    await using again = await openVault(place.database, { env: {} })
    const root = await openRoot(again)
    expect(root.certificatePem).toBe(first.certificatePem)
    const bundle = bundleOf(root)
    expect(bundle).toMatchObject({ pem: first.certificatePem, fingerprint: first.fingerprint })
    expect(new X509Certificate(bundle.der).fingerprint256).toBe(first.fingerprint)
  })

  it('says that it has expired instead of signing what nobody accepts', async () => {
    await using place = scratch()
    await using vault = await openVault(place.database, { env: {} })
    await openRoot(vault, () => Date.UTC(2026, 0, 1))
    await expect(openRoot(vault, () => Date.UTC(2040, 0, 1))).rejects.toMatchObject({
      code: 'CP_TLS',
      message: 'Cannot use the certificate authority: it expired 2036-01-01T00:00:00.000Z',
    })
  })
})
