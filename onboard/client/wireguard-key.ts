import { createPublicKey, generateKeyPairSync } from 'node:crypto'

/** A WireGuard key pair, both base64 of 32 bytes. */
export interface KeyPair {
  readonly privateKey: string
  readonly publicKey: string
}

/** Makes a WireGuard key pair. It never leaves this machine but for the public half. */
export function newKeyPair(): KeyPair {
  const { privateKey, publicKey } = generateKeyPairSync('x25519')
  const { d } = privateKey.export({ format: 'jwk' })
  const { x } = publicKey.export({ format: 'jwk' })
  return { privateKey: toBase64(d), publicKey: toBase64(x) }
}

/** The public half of a private key, base64. */
export function publicKeyOf(privateKey: string): string {
  // RFC 8410: the fixed head of a PKCS#8 X25519 key
  const der = Buffer.concat([Buffer.from('302e020100300506032b656e04220420', 'hex'), Buffer.from(privateKey, 'base64')])
  const { x } = createPublicKey({
    key: `-----BEGIN PRIVATE KEY-----\n${der.toString('base64')}\n-----END PRIVATE KEY-----\n`,
    format: 'pem',
  }).export({ format: 'jwk' })
  return toBase64(x)
}

function toBase64(part: string | undefined): string {
  return Buffer.from(part ?? '', 'base64url').toString('base64')
}
