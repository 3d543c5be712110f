import { type FrontendMessage, malformed, nameEnd } from './frontend.ts'

/** A parameter as it is sent; null: NULL. */
export interface BoundValue {
  readonly bytes: Buffer | null
  /** Whether it is in the binary form of its type, not in the textual one. */
  readonly isBinary: boolean
}

/** What a Bind says; a name is null where it is too long. */
export interface BindMessage {
  /** The portal it makes. */
  readonly portal: string | null
  /** The prepared statement it is made of. */
  readonly statement: string | null
  /** Views of the message; null: there are more bytes of them than are kept. */
  readonly values: readonly BoundValue[] | null
}

/** Most bytes of the parameters of one statement that rules see. */
export const mostParamBytes = 65536

/**
 * Takes a Bind apart. One too long to be held is known by its names alone.
 * @throws ClawError CP_PROTOCOL when it is malformed
 * @see postgresql.org/docs/current/protocol-message-formats.html
 */
export function readBind({ held, bytes }: FrontendMessage): BindMessage {
  const end = nameEnd(held, 5)
  const last = end === null ? null : nameEnd(held, end + 1)
  const portal = end === null ? null : held.toString('latin1', 5, end)
  if (end === null || last === null) return { portal, statement: null, values: null }
  const statement = held.toString('latin1', end + 1, last)
  return { portal, statement, values: held.length < bytes ? null : valuesIn(new Body(held, last + 1, 'Bind')) }
}

/**
 * The arguments in a FunctionCall; null: there are more bytes of them than are kept.
 * @throws ClawError CP_PROTOCOL when it is malformed
 */
export function readArguments({ held, bytes }: FrontendMessage): readonly BoundValue[] | null {
  return held.length < bytes ? null : valuesIn(new Body(held, 9, 'FunctionCall'))
}

function valuesIn(body: Body): readonly BoundValue[] | null {
  const { what } = body
  const formats = body.codes()
  const count = body.word()
  if (formats.length > 1 && formats.length !== count)
    throw malformed(`a ${what} has ${formats.length} formats for ${count} parameters`)
  const values: BoundValue[] = []
  let total = 0
  for (let at = 0; at < count; at += 1) {
    const bytes = body.value()
    const format = formats[formats.length === 1 ? 0 : at] ?? 0
    if (format > 1) throw malformed(`a ${what} has a parameter of format ${format}`)
    total += bytes?.length ?? 0
    values.push({ bytes, isBinary: format === 1 })
  }
  if (what === 'Bind') body.codes()
  else body.word()
  if (body.left !== 0) throw malformed(`a ${what} does not end after its result formats`)
  return total > mostParamBytes ? null : values
}

/** Reads numbers and values one after the other. */
class Body {
  readonly #held: Buffer
  #at: number
  readonly what: 'Bind' | 'FunctionCall'

  constructor(held: Buffer, at: number, what: 'Bind' | 'FunctionCall') {
    this.what = what
    this.#held = held
    this.#at = at
  }

  get left(): number {
    return this.#held.length - this.#at
  }

  word(): number {
    return this.#held.readUInt16BE(this.#move(2))
  }

  /** A list of format codes. */
  codes(): readonly number[] {
    const count = this.word()
    const codes: number[] = []
    for (let index = 0; index < count; index += 1) codes.push(this.word())
    return codes
  }

  value(): Buffer | null {
    const length = this.#held.readInt32BE(this.#move(4))
    if (length === -1) return null
    const from = this.#move(length)
    return this.#held.subarray(from, from + length)
  }

  #move(size: number): number {
    if (size < 0 || size > this.left) throw malformed(`a ${this.what} is shorter than it says`)
    const from = this.#at
    this.#at += size
    return from
  }
}
