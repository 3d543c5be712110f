import {
  createHash,
  createPrivateKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign,
  X509Certificate,
} from 'node:crypto'
import { ClawError } from '../../workers/contract/errors.ts'
import type { Vault } from '../secrets/vault.ts'
import {
  alternativeName,
  authorityKeyId,
  basicConstraints,
  keyUsage,
  makeCertificate,
  serverAuth,
  subjectKeyId,
} from './x509.ts'

/** The gateway's certificate authority. Its key stays inside. */
export interface Root {
  readonly certificatePem: string
  /** SHA-256 of the certificate, upper-case hexadecimal pairs joined by colons. */
  readonly fingerprint: string
  readonly notAfter: Date
  /** Signs a server certificate; PEM. It ends no later than the authority itself. */
  issue(leaf: LeafParts): string
}

/** What a server certificate says. */
export interface LeafParts {
  readonly name: { readonly dns: string } | { readonly ip: Uint8Array }
  /** Common name; null when the name is too long for one. */
  readonly commonName: string | null
  readonly publicKey: KeyObject
  readonly notBefore: Date
  readonly notAfter: Date
}

const commonName = 'clawpatrol gateway CA'
const hourMs = 3_600_000
const years = 10

/**
 * Opens the certificate authority sealed in the vault, or makes and seals it at first start.
 * @throws ClawError CP_TLS when it has expired, CP_SECRET when it cannot be opened
 */
export async function openRoot(vault: Pick<Vault, 'ownKey'>, now: () => number = Date.now): Promise<Root> {
  const stored = vault.ownKey('certificate-authority', () => makeRoot(now()))
  const [certificatePem, keyPem] = split(stored)
  const certificate = new X509Certificate(certificatePem)
  const key = createPrivateKey(keyPem)
  const notAfter = new Date(certificate.validTo)
  if (notAfter.getTime() <= now())
    throw new ClawError('CP_TLS', `Cannot use the certificate authority: it expired ${notAfter.toISOString()}`, {
      hint: 'check the clock of this host',
    })
  const keyId = keyIdOf(certificate.publicKey)
  return {
    certificatePem,
    fingerprint: certificate.fingerprint256,
    notAfter,
    issue(leaf) {
      const id = keyIdOf(leaf.publicKey)
      return makeCertificate(
        {
          serial: serial(),
          issuer: commonName,
          subject: leaf.commonName,
          notBefore: leaf.notBefore,
          notAfter: leaf.notAfter < notAfter ? leaf.notAfter : notAfter,
          publicKey: spkiOf(leaf.publicKey),
          extensions: [
            basicConstraints(false),
            keyUsage('server'),
            serverAuth(),
            subjectKeyId(id),
            authorityKeyId(keyId),
            alternativeName(leaf.name, leaf.commonName === null),
          ],
        },
        (bytes) => sign('sha256', bytes, key),
      )
    },
  }
}

/** Certificate, then key, PEM. */
function makeRoot(now: number): string {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const id = keyIdOf(publicKey)
  const notAfter = new Date(now)
  notAfter.setUTCFullYear(notAfter.getUTCFullYear() + years)
  const certificate = makeCertificate(
    {
      serial: serial(),
      issuer: commonName,
      subject: commonName,
      notBefore: new Date(now - hourMs),
      notAfter,
      publicKey: spkiOf(publicKey),
      extensions: [basicConstraints(true), keyUsage('authority'), subjectKeyId(id), authorityKeyId(id)],
    },
    (bytes) => sign('sha256', bytes, privateKey),
  )
  return certificate + privateKey.export({ type: 'pkcs8', format: 'pem' })
}

function split(stored: string): readonly [certificate: string, key: string] {
  const at = stored.indexOf('-----BEGIN PRIVATE KEY-----')
  return [stored.slice(0, at), stored.slice(at)]
}

/** SHA-1 of the point itself. @see RFC 5280 section 4.2.1.2, method 1 */
function keyIdOf(publicKey: KeyObject): Buffer {
  const pointBytes = 65
  return createHash('sha1').update(spkiOf(publicKey).subarray(-pointBytes)).digest()
}

function spkiOf(publicKey: KeyObject): Buffer {
  return publicKey.export({ type: 'spki', format: 'der' })
}

/** 127 random bits, positive and without leading zeros. */
function serial(): Buffer {
  const bytes = randomBytes(16)
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40
  return bytes
}
