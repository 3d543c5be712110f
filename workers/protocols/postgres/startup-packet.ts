/** The first thing a client says, decoded. */
export type StartupPacket =
  | { readonly kind: 'ssl' }
  | { readonly kind: 'gss' }
  /** Process id and secret, raw. */
  | { readonly kind: 'cancel'; readonly key: Buffer }
  | {
      readonly kind: 'session'
      readonly protocol: ProtocolVersion
      /** In the order they came, protocol options left out. */
      readonly parameters: ReadonlyMap<string, string>
      /** Names of the protocol options (`_pq_.…`). */
      readonly options: readonly string[]
    }
  | PacketProblem

/** Why a startup packet is refused; for the client. */
export interface PacketProblem {
  readonly kind: 'refused'
  /** SQLSTATE. */
  readonly code: string
  readonly because: string
}

export interface ProtocolVersion {
  readonly major: number
  readonly minor: number
}

/** Longest packet without its length field, bytes: MAX_STARTUP_PACKET_LENGTH of PostgreSQL. */
export const maxStartupBytes = 10_000

const sslCode = 80_877_103
const gssCode = 80_877_104
const cancelCode = 80_877_102
/** Longest secret of a cancel key, bytes: protocol 3.2. */
const maxCancelSecret = 256
/** What a server cuts names of users and databases to, bytes: NAMEDATALEN - 1. */
const maxNameBytes = 63

/**
 * Length of the packet behind its length field.
 * @param field the four bytes of it
 */
export function startupLength(field: Buffer): number | PacketProblem {
  const length = field.readUInt32BE(0) - 4
  if (length < 4 || length > maxStartupBytes) return malformed('invalid length of startup packet')
  return length
}

/**
 * Decodes a startup packet.
 * @param body everything behind the length field
 * @see postgresql.org/docs/current/protocol-message-formats.html
 */
export function parseStartupPacket(body: Buffer): StartupPacket {
  if (body.length < 4) return malformed('invalid length of startup packet')
  const code = body.readUInt32BE(0)
  const rest = body.subarray(4)
  if (code === sslCode || code === gssCode) {
    if (rest.length > 0) return malformed('an encryption request has no contents')
    return { kind: code === sslCode ? 'ssl' : 'gss' }
  }
  if (code === cancelCode) {
    if (rest.length < 8 || rest.length > 4 + maxCancelSecret) return malformed('invalid length of cancel request')
    return { kind: 'cancel', key: Buffer.from(rest) }
  }
  const protocol = { major: code >>> 16, minor: code & 0xffff }
  if (protocol.major === 3) return parseSession(protocol, rest)
  const asked = `${protocol.major}.${protocol.minor}`
  return refused('0A000', `unsupported frontend protocol ${asked}: server supports 3.0 to 3.2`)
}

function parseSession(protocol: ProtocolVersion, bytes: Buffer): StartupPacket {
  const parameters = new Map<string, string>()
  const options: string[] = []
  let at = 0
  for (;;) {
    const name = stringAt(bytes, at)
    if (typeof name !== 'string') return name
    at += Buffer.byteLength(name) + 1
    if (name === '') break
    const value = stringAt(bytes, at)
    if (typeof value !== 'string') return value
    at += Buffer.byteLength(value) + 1
    // a server takes the last one: two would be two readings
    if (parameters.has(name) || options.includes(name)) return malformed(`startup parameter "${name}" occurs twice`)
    if (name.startsWith('_pq_.')) options.push(name)
    else parameters.set(name, value)
  }
  if (at !== bytes.length) return malformed('invalid startup packet layout: expected terminator as last byte')
  return checkNames(parameters) ?? { kind: 'session', protocol, parameters, options }
}

function checkNames(parameters: ReadonlyMap<string, string>): PacketProblem | null {
  if ((parameters.get('user') ?? '') === '')
    return refused('28000', 'no PostgreSQL user name specified in startup packet')
  for (const name of ['user', 'database'])
    if (Buffer.byteLength(parameters.get(name) ?? '') > maxNameBytes)
      return refused('42622', `the ${name} name is longer than ${maxNameBytes} bytes`)
  return null
}

function stringAt(bytes: Buffer, from: number): string | PacketProblem {
  const end = bytes.indexOf(0, from)
  if (end < 0) return malformed('invalid startup packet layout: expected terminator as last byte')
  try {
    return utf8.decode(bytes.subarray(from, end))
  } catch {
    return refused('22021', 'a startup parameter is not UTF-8')
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function malformed(because: string): PacketProblem {
  return refused('08P01', because)
}

function refused(code: string, because: string): PacketProblem {
  return { kind: 'refused', code, because }
}
