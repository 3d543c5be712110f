import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'

/** Length of every key here, bytes: AES-256. */
export const keyBytes = 32
const nonceBytes = 12
const tagBytes = 16
const version = 1

/**
 * Encrypts with AES-256-GCM: version, nonce, ciphertext, tag.
 * @param context what it belongs to; opening it as anything else fails
 */
export function seal(key: Buffer, plain: Buffer, context: string): Buffer {
  const nonce = randomBytes(nonceBytes)
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(context))
  return Buffer.concat([Buffer.of(version), nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()])
}

/** The reverse of `seal`; null for another key, another context or changed bytes. */
export function unseal(key: Buffer, sealed: Buffer, context: string): Buffer | null {
  if (sealed.length < 1 + nonceBytes + tagBytes || sealed[0] !== version) return null
  const nonce = sealed.subarray(1, 1 + nonceBytes)
  const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: tagBytes })
    .setAAD(Buffer.from(context))
    .setAuthTag(sealed.subarray(-tagBytes))
  try {
    return Buffer.concat([decipher.update(sealed.subarray(1 + nonceBytes, -tagBytes)), decipher.final()])
  } catch {
    return null
  }
}
