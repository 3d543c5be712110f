/** What the first bytes of a TCP flow say. */
export type ClientHello =
  /** A prefix of a ClientHello: feed more bytes. */
  | { readonly kind: 'more' }
  | { readonly kind: 'not_tls'; readonly because: string }
  | {
      readonly kind: 'hello'
      /** Lower case, without a trailing dot; the outer name where the inner one is encrypted; null: none sent. */
      readonly serverName: string | null
      readonly alpn: readonly string[]
    }

/** Longest ClientHello message read, bytes; post-quantum shares make them about 2 KiB. */
export const maxClientHelloBytes = 64 * 1024

/**
 * Reads server name and ALPN of a ClientHello out of the first bytes of a flow; consumes nothing.
 * The message may be spread over any number of records and chunks.
 * @param bytes everything received so far
 * @see RFC 8446 sections 4.1.2 and 5.1, RFC 6066 section 3, RFC 7301 section 3.1
 */
export function parseClientHello(bytes: Uint8Array): ClientHello {
  const message = handshakeMessage(bytes)
  if ('kind' in message) return message
  try {
    return readHello(new Reader(message.body))
  } catch (error) {
    if (error instanceof Malformed) return notTls(error.message)
    throw error
  }
}

class Malformed extends Error {}

class Reader {
  #bytes: Uint8Array
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  get left(): number {
    return this.#bytes.length - this.#at
  }

  take(length: number): Uint8Array {
    if (length > this.left) throw new Malformed('ClientHello ends inside a field')
    this.#at += length
    return this.#bytes.subarray(this.#at - length, this.#at)
  }

  /** An unsigned big-endian number of one to three bytes. */
  number(width: 1 | 2 | 3): number {
    return this.take(width).reduce((value, byte) => value * 256 + byte, 0)
  }

  /** A vector with a length prefix of that width. */
  vector(width: 1 | 2): Reader {
    return new Reader(this.take(this.number(width)))
  }

  text(): string {
    return Buffer.from(this.#bytes).toString('latin1')
  }
}

/** Joins the record payloads that carry the first handshake message. */
function handshakeMessage(bytes: Uint8Array): { readonly body: Uint8Array } | Exclude<ClientHello, { kind: 'hello' }> {
  const payloads: Uint8Array[] = []
  let held = 0
  let at = 0
  while (at < bytes.length) {
    if (bytes[at] !== 22) return notTls('first byte is not a TLS handshake record')
    if (at + 1 < bytes.length && bytes[at + 1] !== 3) return notTls('record version is not TLS')
    if (at + 5 > bytes.length) break
    const length = uint16(bytes, at + 3)
    if (length === 0 || length > 16_384) return notTls(`record of ${length} bytes`)
    const payload = bytes.subarray(at + 5, at + 5 + length)
    payloads.push(payload)
    held += payload.length
    if (payloads[0]?.[0] !== undefined && payloads[0][0] !== 1) return notTls('first message is not a ClientHello')
    if (held >= 4) {
      const joined = payloads.length === 1 ? payload : Buffer.concat(payloads)
      const total = (joined[1] ?? 0) * 65_536 + uint16(joined, 2)
      if (total > maxClientHelloBytes) return notTls(`ClientHello of ${total} bytes`)
      if (held >= 4 + total) return { body: joined.subarray(4, 4 + total) }
    }
    at += 5 + length
  }
  return { kind: 'more' }
}

function readHello(hello: Reader): ClientHello {
  hello.take(2 + 32)
  hello.vector(1)
  hello.vector(2)
  hello.vector(1)
  let serverName: string | null = null
  let alpn: readonly string[] = []
  if (hello.left > 0) {
    const extensions = hello.vector(2)
    const seen = new Set<number>()
    while (extensions.left > 0) {
      const type = extensions.number(2)
      const body = extensions.vector(2)
      // RFC 8446 4.2: there must not be more than one of a type; two names would be two readings
      if (seen.has(type)) throw new Malformed(`extension ${type} occurs twice`)
      seen.add(type)
      if (type === 0) serverName = readServerName(body)
      if (type === 16) alpn = readAlpn(body)
    }
  }
  if (hello.left > 0) throw new Malformed('bytes after the ClientHello extensions')
  return { kind: 'hello', serverName, alpn }
}

function readServerName(extension: Reader): string | null {
  const names = extension.vector(2)
  let name: string | null = null
  while (names.left > 0) {
    const type = names.number(1)
    const text = names.vector(2).text()
    if (type !== 0) continue
    if (name !== null) throw new Malformed('two server names')
    name = text.toLowerCase().replace(/\.$/, '')
    if (!/^[a-z0-9_.:-]{1,255}$/.test(name)) throw new Malformed('server name has characters no name has')
  }
  return name
}

function readAlpn(extension: Reader): readonly string[] {
  const list = extension.vector(2)
  const protocols: string[] = []
  while (list.left > 0) protocols.push(list.vector(1).text())
  return protocols
}

function uint16(bytes: Uint8Array, at: number): number {
  return (bytes[at] ?? 0) * 256 + (bytes[at + 1] ?? 0)
}

function notTls(because: string): Extract<ClientHello, { kind: 'not_tls' }> {
  return { kind: 'not_tls', because }
}
