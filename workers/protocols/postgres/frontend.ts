import { ClawError } from '../../contract/errors.ts'

/** Longest SQL text that is taken apart, bytes. */
export const longestStatement = 1 << 20
/** Longest name of a prepared statement or portal, bytes: PostgreSQL cuts off what is beyond, so that names would mix. */
export const longestName = 63

/** One message of an agent after login. */
export interface FrontendMessage {
  /** Its type byte, one of `frontend`. */
  readonly type: number
  /** Length of the whole message, type byte included. */
  readonly bytes: number
  /** The message, or its first bytes when it is not held whole: the others come from `rest`. */
  readonly held: Buffer
}

/** Type bytes an agent may send after login. */
export const frontend = {
  bind: 0x42,
  close: 0x43,
  describe: 0x44,
  execute: 0x45,
  functionCall: 0x46,
  flush: 0x48,
  parse: 0x50,
  query: 0x51,
  sync: 0x53,
  terminate: 0x58,
  copyDone: 0x63,
  copyData: 0x64,
  copyFail: 0x66,
} as const

/** Bytes of a message that are held before it is given out, by type; a fixed length where `isFixed`. */
const holds: { readonly [type: number]: { readonly most: number; readonly isFixed?: true } } = {
  // what rules see of its parameters, with names, formats and lengths
  [frontend.bind]: { most: 1 << 17 },
  [frontend.close]: { most: 256 },
  [frontend.describe]: { most: 256 },
  [frontend.execute]: { most: 256 },
  // what rules see of its arguments
  [frontend.functionCall]: { most: 1 << 17 },
  [frontend.flush]: { most: 5, isFixed: true },
  // name, text, number of parameter types and at most 65535 of them
  [frontend.parse]: { most: longestStatement + (1 << 18) + 256 },
  [frontend.query]: { most: longestStatement + 6 },
  [frontend.sync]: { most: 5, isFixed: true },
  [frontend.terminate]: { most: 5, isFixed: true },
  [frontend.copyDone]: { most: 5, isFixed: true },
  [frontend.copyData]: { most: 65536 },
  [frontend.copyFail]: { most: 65536 },
}

/** The server takes no longer ones either, bytes. */
const longestMessage = 0x3fffffff

/**
 * Splits what an agent sends after login into messages. Feed chunks of any size, and take out what is there.
 * A long message is given out with its beginning; take its `rest` before the next one.
 * @see postgresql.org/docs/current/protocol-message-formats.html
 */
export class FrontendDecoder {
  #pieces: Buffer[] = []
  #type = 0
  /** Of the message whose header was read, with the type byte; 0: none was. */
  #length = 0
  /** Bytes fed and not taken. */
  buffered = 0
  /** Bytes of the message given out last that were not in what was held. */
  remaining = 0

  push(chunk: Buffer): void {
    if (chunk.length === 0) return
    this.#pieces.push(chunk)
    this.buffered += chunk.length
  }

  /**
   * The next message; null: more bytes are needed.
   * @throws ClawError CP_PROTOCOL for what is no message of a session, CP_LIMIT for one no server takes
   */
  next(): FrontendMessage | null {
    if (this.remaining > 0) return null
    if (this.#length === 0 && !this.#readHeader()) return null
    const bytes = this.#length
    const size = Math.min(bytes, holds[this.#type]?.most ?? 0)
    if (this.buffered < size) return null
    this.#length = 0
    this.remaining = bytes - size
    return { type: this.#type, bytes, held: this.#take(size) }
  }

  /** The next bytes of a message not held whole; null: more are needed, or `remaining` is 0. */
  rest(): Buffer | null {
    const [first] = this.#pieces
    if (this.remaining === 0 || first === undefined) return null
    const piece = this.#take(Math.min(first.length, this.remaining))
    this.remaining -= piece.length
    return piece
  }

  #readHeader(): boolean {
    if (this.buffered < 5) return false
    let first = this.#pieces[0] as Buffer
    if (first.length < 5) {
      // one piece at least as long as the header; each byte is moved once
      const moved = this.#take(5)
      this.#pieces.unshift(moved)
      this.buffered += 5
      first = moved
    }
    const type = first[0] as number
    const hold = holds[type]
    if (hold === undefined) throw malformed(`type ${describeType(type)} is none of a session`)
    const length = first.readInt32BE(1)
    if (length < 4) throw malformed(`length ${length} is less than 4`)
    if (length > longestMessage) throw new ClawError('CP_LIMIT', `Cannot read the message: its length is ${length}`)
    if (hold.isFixed === true && length !== 4) throw malformed(`${describeType(type)} has length ${length}, not 4`)
    this.#type = type
    this.#length = length + 1
    return true
  }

  #take(size: number): Buffer {
    this.buffered -= size
    const [first] = this.#pieces
    if (first !== undefined && first.length > size) {
      this.#pieces[0] = first.subarray(size)
      return first.subarray(0, size)
    }
    if (first !== undefined && first.length === size) {
      this.#pieces.shift()
      return first
    }
    return this.#gather(size)
  }

  #gather(size: number): Buffer {
    const gathered = Buffer.allocUnsafe(size)
    let at = 0
    let used = 0
    while (at < size) {
      const piece = this.#pieces[used] as Buffer
      const part = Math.min(piece.length, size - at)
      piece.copy(gathered, at, 0, part)
      at += part
      if (part === piece.length) used += 1
      else this.#pieces[used] = piece.subarray(part)
    }
    this.#pieces.splice(0, used)
    return gathered
  }
}

/** SQL text of a Query. null: longer than is taken apart. */
export function queryText({ held, bytes }: FrontendMessage): Buffer | null {
  return textOf(held, 5, bytes, bytes)
}

/** What a Parse says; null where it is too long. */
export interface ParseMessage {
  readonly name: string | null
  readonly text: Buffer | null
  /** Numbers of the types it gives its parameters; 0: the server is to find out. */
  readonly types: readonly number[]
}

/** Takes a Parse apart. */
export function parseParts({ held, bytes }: FrontendMessage): ParseMessage {
  const end = nameEnd(held, 5)
  if (end === null) return { name: null, text: null, types: [] }
  const name = held.toString('latin1', 5, end)
  const terminator = held.indexOf(0, end + 1)
  const text = textOf(held, end + 1, terminator === -1 ? bytes : terminator + 1, bytes)
  return { name, text, types: text === null ? [] : typesIn(bytes - terminator - 1, held, terminator + 1) }
}

/** What a Close or Describe is about. */
export function targetOf({ held, bytes }: FrontendMessage): { kind: 'statement' | 'portal'; name: string | null } {
  const kind = held[5] === 0x53 ? 'statement' : held[5] === 0x50 ? 'portal' : null
  if (kind === null) throw malformed('a Close or Describe of neither a statement nor a portal')
  const end = nameEnd(held, 6)
  if (end !== null && end + 1 !== bytes) throw malformed('a Close or Describe has bytes after its name')
  return { kind, name: end === null ? null : held.toString('latin1', 6, end) }
}

/** The portal an Execute runs. */
export function executeName({ held, bytes }: FrontendMessage): string | null {
  const end = nameEnd(held, 5)
  if (end !== null && end + 5 !== bytes) throw malformed('an Execute does not end after its row count')
  return end === null ? null : held.toString('latin1', 5, end)
}

/** Index of the NUL after a name; null: the name is too long. */
export function nameEnd(held: Buffer, from: number): number | null {
  const end = held.indexOf(0, from)
  if (end !== -1) return end - from > longestName ? null : end
  if (held.length - from > longestName) return null
  throw malformed('a name does not end')
}

/** The text that starts at `from` and must end with a NUL at `end - 1`; null: too long, or cut off. */
function textOf(held: Buffer, from: number, end: number, bytes: number): Buffer | null {
  const terminator = held.indexOf(0, from)
  if (terminator === -1) {
    if (held.length === bytes) throw malformed('its text does not end')
    return null
  }
  if (terminator !== end - 1) throw malformed('its text contains a NUL byte')
  return terminator - from > longestStatement ? null : held.subarray(from, terminator)
}

function typesIn(bytes: number, held: Buffer, from: number): readonly number[] {
  const count = bytes >= 2 && held.length >= from + 2 ? held.readUInt16BE(from) : -1
  if (bytes !== 2 + 4 * count) throw malformed('a Parse does not end after its parameter types')
  return typeList(held, from + 2, count)
}

/** Numbers of types, one after the other. */
export function typeList(bytes: Buffer, from: number, count: number): readonly number[] {
  if (count === 0) return noTypes
  return Array.from({ length: count }, (_, index) => bytes.readUInt32BE(from + 4 * index))
}

const noTypes: readonly number[] = []

function describeType(type: number): string {
  return type > 0x20 && type < 0x7f ? `"${String.fromCharCode(type)}"` : `0x${type.toString(16).padStart(2, '0')}`
}

/** What is thrown for a message that says of itself what does not hold. */
export function malformed(because: string): ClawError {
  return new ClawError('CP_PROTOCOL', `Cannot read the message: ${because}`)
}
