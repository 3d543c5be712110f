import { createHash, createHmac, pbkdf2, randomBytes, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'
import { ClawError } from '../../contract/errors.ts'
import { saslprep } from './saslprep.ts'

/** What binds the authentication to the TLS connection it runs in. */
export type ChannelBinding =
  /** Hash of the server's certificate. */
  | { readonly kind: 'tls-server-end-point'; readonly hash: Buffer }
  /** We could, and the server does not offer it: it notices when somebody took its offer out. */
  | { readonly kind: 'not_offered' }
  | { readonly kind: 'none' }

/** One SCRAM-SHA-256 authentication, seen from the client. */
export interface Scram {
  readonly mechanism: 'SCRAM-SHA-256' | 'SCRAM-SHA-256-PLUS'
  readonly clientFirst: string
  /** The client's final message. @throws ClawError CP_UPSTREAM when the server's is not as it must be */
  answer(serverFirst: string): Promise<string>
  /** @throws ClawError CP_UPSTREAM when the server has not proved that it knows the password */
  verify(serverFinal: string): void
}

/** PostgreSQL's own is 4096; fewer would make a password easy to guess for whoever plays the server. */
const minIterations = 4096
/** About half a second of a core: more would let a server keep us busy. */
const maxIterations = 1_000_000
const maxSaltBytes = 1024
const maxNonceLength = 1024
/** Salted passwords kept, so that each session need not derive its own. */
const maxKept = 64

const derive = promisify(pbkdf2)
/** By hash of password, salt and iterations, least recently used first. */
const kept = new Map<string, Buffer>()

/**
 * Begins an authentication.
 * @param nonce printable, without comma; chosen anew each time where it is not given
 * @see RFC 5802, RFC 7677; the user name stays empty, the server takes that of the startup packet
 */
export function startScram(password: string, binding: ChannelBinding, nonce = makeNonce()): Scram {
  const header = gs2Header(binding)
  const bare = `n=,r=${nonce}`
  let expected: Buffer | null = null
  return {
    mechanism: binding.kind === 'tls-server-end-point' ? 'SCRAM-SHA-256-PLUS' : 'SCRAM-SHA-256',
    clientFirst: header + bare,
    async answer(serverFirst) {
      const { salt, iterations, nonce: whole } = readServerFirst(serverFirst, nonce)
      const salted = await saltedPassword(password, salt, iterations)
      const channel = binding.kind === 'tls-server-end-point' ? binding.hash : Buffer.alloc(0)
      const withoutProof = `c=${Buffer.concat([Buffer.from(header), channel]).toString('base64')},r=${whole}`
      const signed = `${bare},${serverFirst},${withoutProof}`
      const clientKey = hmac(salted, 'Client Key')
      const signature = hmac(sha256(clientKey), signed)
      const proof = Buffer.from(clientKey.map((byte, at) => byte ^ (signature[at] ?? 0)))
      expected = hmac(hmac(salted, 'Server Key'), signed)
      return `${withoutProof},p=${proof.toString('base64')}`
    },
    verify(serverFinal) {
      const found = /^v=([A-Za-z0-9+/]{43}=)(?:,.*)?$/s.exec(serverFinal)
      const given = Buffer.from(found?.[1] ?? '', 'base64')
      if (expected === null || given.length !== expected.length || !timingSafeEqual(given, expected))
        throw refused('the server did not prove that it knows the password')
    },
  }
}

function gs2Header({ kind }: ChannelBinding): string {
  if (kind === 'tls-server-end-point') return 'p=tls-server-end-point,,'
  return kind === 'not_offered' ? 'y,,' : 'n,,'
}

function readServerFirst(message: string, nonce: string) {
  // RFC 5802 5.1: an unknown mandatory extension (m=) comes first, and must fail
  const found = /^r=([\x21-\x2b\x2d-\x7e]+),s=([A-Za-z0-9+/]+={0,2}),i=([1-9]\d{0,9})(?:,.*)?$/s.exec(message)
  const [, whole = '', salt = '', count = ''] = found ?? []
  if (found === null || whole.length > maxNonceLength) throw refused('the server sent a malformed SCRAM message')
  if (!whole.startsWith(nonce) || whole.length === nonce.length)
    throw refused('the server did not add to the SCRAM nonce it was sent')
  const bytes = Buffer.from(salt, 'base64')
  if (bytes.length === 0 || bytes.length > maxSaltBytes) throw refused('the server sent a malformed SCRAM salt')
  const iterations = Number(count)
  if (iterations < minIterations || iterations > maxIterations)
    throw refused(`the server wants ${iterations} SCRAM iterations, not ${minIterations} to ${maxIterations}`)
  return { nonce: whole, salt: bytes, iterations }
}

async function saltedPassword(password: string, salt: Buffer, iterations: number): Promise<Buffer> {
  const prepared = saslprep(password)
  const key = createHash('sha256')
    .update(`${iterations},${salt.toString('base64')},${prepared}`)
    .digest('base64')
  const salted = kept.get(key) ?? (await derive(prepared, salt, iterations, 32, 'sha256'))
  kept.delete(key)
  kept.set(key, salted)
  const [oldest] = kept.keys()
  if (kept.size > maxKept && oldest !== undefined) kept.delete(oldest)
  return salted
}

function makeNonce(): string {
  return randomBytes(18).toString('base64')
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest()
}

function sha256(bytes: Buffer): Buffer {
  return createHash('sha256').update(bytes).digest()
}

function refused(message: string): ClawError {
  return new ClawError('CP_UPSTREAM', message)
}
