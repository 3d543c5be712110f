import { createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto'

// a raw X25519 key behind the fixed bytes of its PKCS #8 form (RFC 8410)
const pkcs8 = Buffer.from('302e020100300506032b656e04220420', 'hex')

/** A new WireGuard private key, base64. */
export function generateKey(): string {
  const { privateKey } = generateKeyPairSync('x25519')
  return privateKey.export({ type: 'pkcs8', format: 'der' }).subarray(pkcs8.length).toString('base64')
}

/** The public key of a private one, both base64. */
export function publicKey(privateKey: string): string {
  const raw = Buffer.from(privateKey, 'base64')
  if (raw.length !== 32) throw new TypeError('a WireGuard key is 32 bytes in base64')
  const key = createPrivateKey({ key: Buffer.concat([pkcs8, raw]), format: 'der', type: 'pkcs8' })
  return createPublicKey(key).export({ type: 'spki', format: 'der' }).subarray(-32).toString('base64')
}
