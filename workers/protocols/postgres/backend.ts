import { mostNamedColumns } from '../../contract/action.ts'
import { ClawError } from '../../contract/errors.ts'
import { typeList } from './frontend.ts'
import type { Tally } from './tally.ts'

/** Type bytes of what a server sends in a session. */
export const backend = {
  parseComplete: 0x31,
  bindComplete: 0x32,
  closeComplete: 0x33,
  notification: 0x41,
  commandComplete: 0x43,
  dataRow: 0x44,
  error: 0x45,
  copyIn: 0x47,
  copyOut: 0x48,
  emptyQuery: 0x49,
  notice: 0x4e,
  parameterStatus: 0x53,
  rowDescription: 0x54,
  functionResponse: 0x56,
  copyBoth: 0x57,
  ready: 0x5a,
  copyDone: 0x63,
  copyData: 0x64,
  noData: 0x6e,
  portalSuspended: 0x73,
  parameterDescription: 0x74,
} as const

const known: ReadonlySet<number> = new Set(Object.values(backend))

/** Types of what ends a statement that gives rows, or says that there are no more. */
export const endsRows: ReadonlySet<number> = new Set([
  backend.copyDone,
  backend.commandComplete,
  backend.portalSuspended,
  backend.emptyQuery,
  backend.error,
])

/** Types whose body is looked at. */
const read: ReadonlySet<number> = new Set([
  backend.commandComplete,
  backend.copyOut,
  backend.error,
  backend.parameterDescription,
  backend.parameterStatus,
  backend.ready,
  backend.rowDescription,
])

/** Bytes of a body that are looked at. */
const mostRead = 65536

/** What a scanner tells of the messages that pass. Rows and copied data are only counted. */
export interface BackendEvents {
  /** A message begins. Whether it is kept from the agent. */
  began(type: number): boolean
  /** A message whose body is looked at has ended. */
  ended(type: number, body: Buffer): void
  /** Rows or copied data begin, after something else. What they are counted with; those it does not take are kept. */
  rows(): Tally
  /** Bytes for the agent. */
  pass(bytes: Buffer): void
}

/**
 * Follows the messages of a server without copying them: whole chunks pass, cut only around what is kept back.
 * A header that is split passes when it is whole.
 */
export class BackendScanner {
  readonly #events: BackendEvents
  #header: Buffer = Buffer.alloc(5)
  #headerBytes = 0
  #type = 0
  #remaining = 0
  #isKept = false
  #tally: Tally | null = null
  #body: Buffer[] | null = null
  #bodyBytes = 0
  #total = 0
  /** Where the message that is told of begins or ends, bytes since the first. */
  position = 0

  constructor(events: BackendEvents) {
    this.#events = events
  }

  /** Whether the agent has got nothing but whole messages. */
  get isBetween(): boolean {
    return this.#remaining === 0 || this.#isKept
  }

  /** @throws ClawError CP_PROTOCOL for what is no message of a session */
  scan(chunk: Buffer): void {
    let at = this.#headerBytes > 0 ? this.#finishHeader(chunk) : 0
    let from = at
    const end = chunk.length
    while (at < end) {
      if (this.#remaining > 0) {
        const part = Math.min(this.#remaining, end - at)
        if (this.#body !== null) this.#collect(chunk, at, part)
        at += part
        this.#remaining -= part
        if (this.#remaining > 0) break
        if (this.#isKept) from = at
        this.position = this.#total + at
        this.#end()
        continue
      }
      if (end - at < 5) {
        this.#pass(chunk, from, at)
        this.#headerBytes = chunk.copy(this.#header, 0, at, end)
        this.#total += end
        return
      }
      const type = chunk[at] as number
      if (type === backend.dataRow || type === backend.copyData) {
        const length = lengthOf(chunk, at)
        this.#isKept = !this.#counts(length + 1)
        if (this.#isKept) {
          this.#pass(chunk, from, at)
          from = at + 5
        }
        this.#remaining = length - 4
        at += 5
        continue
      }
      const start = at
      at += 5
      this.position = this.#total + at
      this.#begin(type, lengthOf(chunk, start))
      if (this.#isKept) {
        this.#pass(chunk, from, start)
        from = at
      }
      if (this.#remaining === 0) this.#end()
    }
    if (this.#isKept && this.#remaining > 0) from = end
    this.#pass(chunk, from, end)
    this.#total += end
  }

  /** Takes from the chunk what a split header lacks; where its body begins. */
  #finishHeader(chunk: Buffer): number {
    const taken = chunk.copy(this.#header, this.#headerBytes, 0, 5 - this.#headerBytes)
    this.#headerBytes += taken
    if (this.#headerBytes < 5) return taken
    this.#headerBytes = 0
    this.position = this.#total + taken
    this.#begin(this.#header[0] as number, lengthOf(this.#header, 0))
    if (!this.#isKept) this.#events.pass(Buffer.from(this.#header))
    if (this.#remaining === 0) this.#end()
    return taken
  }

  #begin(type: number, length: number): void {
    if (!known.has(type)) throw new ClawError('CP_PROTOCOL', `the server sent a message of type 0x${type.toString(16)}`)
    this.#type = type
    this.#remaining = length - 4
    const isRow = type === backend.dataRow || type === backend.copyData
    if (!isRow) this.#tally = null
    this.#isKept = isRow ? !this.#counts(length + 1) : this.#events.began(type)
    this.#body = read.has(type) ? [] : null
    this.#bodyBytes = 0
  }

  /** Counts a row. Whether the agent gets it. */
  #counts(bytes: number): boolean {
    this.#tally ??= this.#events.rows()
    return this.#tally.take(bytes)
  }

  #collect(chunk: Buffer, at: number, part: number): void {
    const wanted = Math.min(part, mostRead - this.#bodyBytes)
    if (wanted === 0) return
    this.#body?.push(chunk.subarray(at, at + wanted))
    this.#bodyBytes += wanted
  }

  #end(): void {
    const body = this.#body
    if (body === null) return
    this.#body = null
    this.#events.ended(this.#type, body.length === 1 ? (body[0] as Buffer) : Buffer.concat(body))
  }

  #pass(chunk: Buffer, from: number, to: number): void {
    if (to > from) this.#events.pass(from === 0 && to === chunk.length ? chunk : chunk.subarray(from, to))
  }
}

function lengthOf(header: Buffer, at: number): number {
  const length = header.readInt32BE(at + 1)
  if (length < 4) throw new ClawError('CP_PROTOCOL', `the server sent a message of length ${length}`)
  return length
}

/** Tag of a CommandComplete, e.g. `SELECT 5`. */
export function commandTag(body: Buffer): string {
  const end = body.indexOf(0)
  return body.toString('latin1', 0, Math.min(end === -1 ? body.length : end, 128))
}

/** What of an ErrorResponse matters here: SQLSTATE, and whether the server closes the connection after it. */
export function errorParts(body: Buffer): { readonly code: string; readonly isFatal: boolean } {
  let code = 'XX000'
  let severity = ''
  for (let at = 0; at < body.length && body[at] !== 0; ) {
    const end = body.indexOf(0, at)
    if (end === -1) break
    if (body[at] === 0x43) code = body.toString('latin1', at + 1, Math.min(end, at + 6))
    // V is never translated; S is what servers before 9.6 have
    else if (body[at] === 0x56 || (body[at] === 0x53 && severity === ''))
      severity = body.toString('latin1', at + 1, end)
    at = end + 1
  }
  return { code, isFatal: severity === 'FATAL' || severity === 'PANIC' }
}

/** Names of the columns in a RowDescription, the first of very many; null: it is too long to be read. */
export function columnNames(body: Buffer): readonly string[] | null {
  const count = body.length < 2 ? -1 : body.readUInt16BE(0)
  const names: string[] = []
  let at = 2
  for (let index = 0; index < count && index < mostNamedColumns; index += 1) {
    const end = body.indexOf(0, at)
    if (end === -1 || end + 19 > body.length) return null
    names.push(body.toString('utf8', at, end))
    at = end + 19
  }
  return count === -1 ? null : names
}

/** Numbers of the types in a ParameterDescription; empty when it is too long to be read. */
export function parameterTypes(body: Buffer): readonly number[] {
  const count = body.length < 2 ? -1 : body.readUInt16BE(0)
  return body.length === 2 + 4 * count ? typeList(body, 2, count) : []
}

/** Name and value of a ParameterStatus. */
export function parameterOf(body: Buffer): readonly [name: string, value: string] {
  const end = body.indexOf(0)
  const last = body.indexOf(0, end + 1)
  if (end === -1 || last === -1) throw new ClawError('CP_PROTOCOL', 'the server sent a broken parameter status')
  return [body.toString('utf8', 0, end), body.toString('utf8', end + 1, last)]
}
