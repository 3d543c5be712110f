import type { Readable } from 'node:stream'
import { ClawError } from '../../contract/errors.ts'
import { readExactly } from '../../wire/read-exactly.ts'
import type { ProtocolVersion } from './startup-packet.ts'
import type { StartupSetting } from './startup-settings.ts'

/** One message of a server, before the session begins. */
export interface ServerMessage {
  /** First byte as a character. */
  readonly type: string
  readonly body: Buffer
  /** All of it, as it was received. */
  readonly bytes: Buffer
}

/** Fields of an ErrorResponse, by their letter. */
export type ErrorFields = ReadonlyMap<string, string>

/** Longest message before the session begins, bytes; libpq allows an error 30,000. */
const maxMessageBytes = 64 * 1024

/**
 * Takes one message off a server's stream.
 * @throws ClawError CP_UPSTREAM when it is too long, or what `readExactly` throws
 */
export async function readServerMessage(stream: Readable, signal: AbortSignal): Promise<ServerMessage> {
  const head = await readExactly(stream, 5, signal)
  const length = head.readUInt32BE(1)
  const type = head.toString('latin1', 0, 1)
  if (length < 4 || length > maxMessageBytes || !/[A-Za-z]/.test(type))
    throw new ClawError('CP_UPSTREAM', 'the server sent something that is not PostgreSQL')
  const body = length === 4 ? Buffer.alloc(0) : await readExactly(stream, length - 4, signal)
  return { type, body, bytes: Buffer.concat([head, body]) }
}

/** The StartupMessage of a session. */
export function startupMessage(
  { major, minor }: ProtocolVersion,
  user: string,
  database: string,
  settings: readonly StartupSetting[],
): Buffer {
  const words = ['user', user, 'database', database, ...settings.flatMap(({ name, value }) => [name, value])]
  if (words.some((word) => word.includes('\0')))
    throw new ClawError('CP_SECRET', 'cannot log in: the user or the database has a NUL in it')
  const body = Buffer.from(`${words.join('\0')}\0\0`)
  const head = Buffer.alloc(8)
  head.writeUInt32BE(body.length + 8)
  head.writeUInt16BE(major, 4)
  head.writeUInt16BE(minor, 6)
  return Buffer.concat([head, body])
}

/** A NegotiateProtocolVersion: the newest minor version there is, and the options that are not known. */
export function negotiationMessage(version: ProtocolVersion, options: readonly string[]): Buffer {
  const names = Buffer.from(options.map((name) => `${name}\0`).join(''))
  const head = Buffer.alloc(13)
  head[0] = 0x76
  head.writeInt32BE(names.length + 12, 1)
  head.writeUInt16BE(version.major, 5)
  head.writeUInt16BE(version.minor, 7)
  head.writeInt32BE(options.length, 9)
  return Buffer.concat([head, names])
}

/** Strings of a body that each end in a NUL; an unfinished one is left out. */
export function stringsOf(body: Buffer): readonly string[] {
  return body.toString('utf8').split('\0').slice(0, -1)
}

/** Fields of an ErrorResponse or a NoticeResponse. */
export function errorFields(body: Buffer): ErrorFields {
  const fields = stringsOf(body).filter((field) => field !== '')
  return new Map(fields.map((field) => [field.charAt(0), field.slice(1)]))
}
