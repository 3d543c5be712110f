import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'

const letters = 'ABCDEFGHJKLMNPQRSTUVWXYZ'
const digits = '23456789'

/** The code people compare, like `ABCD-2345`: no letter or digit that looks like another. */
export function newUserCode(random: (bytes: number) => Uint8Array = randomBytes): string {
  return `${pick(letters, 4, random)}-${pick(digits, 4, random)}`
}

/** What only the joining machine knows, 64 characters. */
export function newDeviceCode(): string {
  return randomBytes(48).toString('base64url')
}

/** A user code as it was typed, brought to the one spelling. */
export function canonicalUserCode(typed: string): string {
  return typed.trim().toUpperCase()
}

/** base64url(SHA-256(text)) */
export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('base64url')
}

/** Whether this nonce has this hash, in constant time. */
export function isNonceOf(nonce: string, hash: string): boolean {
  const found = Buffer.from(sha256(nonce))
  const wanted = Buffer.from(hash)
  return found.length === wanted.length && timingSafeEqual(found, wanted)
}

function pick(alphabet: string, count: number, random: (bytes: number) => Uint8Array): string {
  // bytes from the last, incomplete run of the alphabet are thrown away: every letter is equally likely
  const fair = 256 - (256 % alphabet.length)
  let picked = ''
  while (picked.length < count) {
    for (const byte of random(count)) {
      if (byte < fair && picked.length < count) picked += alphabet[byte % alphabet.length]
    }
  }
  return picked
}
