import { ByteSink } from './byte-sink.ts'
import type { ByteSource, Reading } from './byte-source.ts'
import { since } from './revisions.ts'

/** How a client introduces itself and logs in. */
export interface ClientHello {
  readonly name: string
  readonly major: number
  readonly minor: number
  readonly revision: number
  readonly database: string
  /** Bytes, as some ways to log in put more than text here. */
  readonly user: Buffer
  readonly password: Buffer
}

/** How a server answers a client that it lets in. */
export interface ServerHello {
  readonly name: string
  readonly major: number
  readonly minor: number
  /** Its own, whatever the client's is. */
  readonly revision: number
  readonly timezone: string
  readonly displayName: string
  readonly patch: number
  readonly passwordRules: readonly { readonly pattern: string; readonly message: string }[]
  /** 8 bytes. */
  readonly nonce: Buffer
}

const longestName = 65536
const longestPassword = 1 << 20
/** As many as a server sends at most. */
const mostRules = 256

/** Reads a client's Hello after its packet code. */
export function* readClientHello(source: ByteSource): Reading<ClientHello> {
  return {
    name: yield* source.text(longestName, 'the name of the client'),
    major: yield* source.varint(),
    minor: yield* source.varint(),
    revision: yield* source.varint(),
    database: yield* source.text(longestName, 'the name of the database'),
    user: yield* source.prefixed(longestName, 'the name of the user'),
    password: yield* source.prefixed(longestPassword, 'the password'),
  }
}

/**
 * Reads a server's Hello after its packet code.
 * @param told revision the server was told: it writes what that and its own have
 */
export function* readServerHello(source: ByteSource, told: number): Reading<ServerHello> {
  const name = yield* source.text(longestName, 'the name of the server')
  const major = yield* source.varint()
  const minor = yield* source.varint()
  const revision = yield* source.varint()
  const shared = Math.min(told, revision)
  const timezone = yield* source.text(longestName, 'the time zone')
  const displayName =
    shared >= since.displayName ? yield* source.text(longestName, 'the display name of the server') : ''
  const patch = shared >= since.patchVersion ? yield* source.varint() : 0
  const passwordRules: { pattern: string; message: string }[] = []
  if (shared >= since.passwordRules) {
    const count = yield* source.varintUpTo(mostRules, 'the number of password rules')
    while (passwordRules.length < count) {
      passwordRules.push({
        pattern: yield* source.text(longestName, 'a password rule'),
        message: yield* source.text(longestName, 'a password rule'),
      })
    }
  }
  const nonce = shared >= since.nonce ? Buffer.from(yield* source.fixed(8)) : Buffer.alloc(8)
  return { name, major, minor, revision, timezone, displayName, patch, passwordRules, nonce }
}

/** A client's Hello with its packet code. */
export function clientHello(hello: ClientHello): Buffer {
  return new ByteSink()
    .varint(0)
    .text(hello.name)
    .varint(hello.major)
    .varint(hello.minor)
    .varint(hello.revision)
    .text(hello.database)
    .text(hello.user)
    .text(hello.password)
    .whole()
}

/**
 * A server's Hello with its packet code.
 * @param told revision of the client it is for
 */
export function serverHello(hello: ServerHello, told: number): Buffer {
  const shared = Math.min(told, hello.revision)
  const sink = new ByteSink()
    .varint(0)
    .text(hello.name)
    .varint(hello.major)
    .varint(hello.minor)
    .varint(hello.revision)
    .text(hello.timezone)
  if (shared >= since.displayName) sink.text(hello.displayName)
  if (shared >= since.patchVersion) sink.varint(hello.patch)
  if (shared >= since.passwordRules) {
    sink.varint(hello.passwordRules.length)
    for (const { pattern, message } of hello.passwordRules) sink.text(pattern).text(message)
  }
  if (shared >= since.nonce) sink.raw(hello.nonce)
  return sink.whole()
}
