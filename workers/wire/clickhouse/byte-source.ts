import { ClawError } from '../../contract/errors.ts'

/** Reads on each time it is resumed; it pauses where more bytes are needed. */
export type Reading<T> = Generator<'more', T, undefined>

/**
 * The bytes of one direction: fed in chunks of any size, read by readers that pause where a chunk ends and go on from
 * there, so that nothing is read twice.
 */
export class ByteSource {
  /** The chunk that is being read. */
  bytes: Buffer = empty
  /** Where in it. */
  at = 0
  #from = 0
  #held: Buffer = empty
  #heldLength = 0
  readonly #queue: Buffer[] = []

  /** Adds a chunk; it is kept as it is, not copied. */
  push(chunk: Buffer): void {
    if (chunk.length > 0) this.#queue.push(chunk)
  }

  /** Goes on to the next chunk once this one is read; false: there is none. */
  advance(): boolean {
    if (this.at < this.bytes.length) return true
    const next = this.#queue.shift()
    if (next === undefined) return false
    this.#hold()
    this.bytes = next
    this.at = 0
    this.#from = 0
    return true
  }

  /** The bytes read since they were last taken: as they came where they are of one chunk, else put together. */
  take(): Buffer {
    if (this.#heldLength === 0) {
      const taken = this.bytes.subarray(this.#from, this.at)
      this.#from = this.at
      return taken
    }
    this.#hold()
    this.#from = this.at
    const taken = this.#held.subarray(0, this.#heldLength)
    this.#held = empty
    this.#heldLength = 0
    return taken
  }

  /** The bytes read since they were last taken, and all that follow. */
  takeAll(): Buffer {
    const taken = [this.take(), this.bytes.subarray(this.at), ...this.#queue.splice(0)]
    this.at = this.bytes.length
    this.#from = this.at
    return Buffer.concat(taken)
  }

  /** A number of one byte. */
  *byte(): Reading<number> {
    while (this.at === this.bytes.length) yield 'more'
    const byte = this.bytes[this.at] as number
    this.at += 1
    return byte
  }

  /**
   * A number of variable length.
   * @throws ClawError CP_PROTOCOL beyond 9 bytes: old servers read no more, new ones read a tenth
   */
  *varint(): Reading<number> {
    let value = 0
    for (let shift = 1, count = 0; count < 9; count += 1, shift *= 128) {
      const byte = yield* this.byte()
      value += (byte & 0x7f) * shift
      if (byte < 0x80) return value
    }
    throw malformed('a number is longer than 9 bytes')
  }

  /** A number of variable length that only counts something, as a server says it: it may be any of 64 bits. */
  *counter(): Reading<number> {
    let value = 0
    for (let shift = 1, count = 0; count < 10; count += 1, shift *= 128) {
      const byte = yield* this.byte()
      value += (byte & 0x7f) * shift
      if (byte < 0x80) return value
    }
    throw malformed('a number is longer than 10 bytes')
  }

  /** A number of variable length that may not be larger. */
  *varintUpTo(most: number, what: string): Reading<number> {
    const value = yield* this.varint()
    if (value > most) throw new ClawError('CP_LIMIT', `Cannot read the ClickHouse packet: ${what} is over ${most}`)
    return value
  }

  /** Bytes with their length before them. */
  *prefixed(mostBytes: number, what: string): Reading<Buffer> {
    return yield* this.fixed(yield* this.varintUpTo(mostBytes, what))
  }

  /** A text in UTF-8 with its length before it; bytes that are none read as U+FFFD. */
  *text(mostBytes: number, what: string): Reading<string> {
    return (yield* this.prefixed(mostBytes, what)).toString('utf8')
  }

  /** So many bytes. */
  *fixed(length: number): Reading<Buffer> {
    while (this.at === this.bytes.length && length > 0) yield 'more'
    if (this.bytes.length - this.at >= length) {
      this.at += length
      return this.bytes.subarray(this.at - length, this.at)
    }
    const whole = Buffer.allocUnsafeSlow(length)
    for (let got = 0; got < length; ) {
      while (this.at === this.bytes.length) yield 'more'
      const count = Math.min(length - got, this.bytes.length - this.at)
      this.bytes.copy(whole, got, this.at, this.at + count)
      got += count
      this.at += count
    }
    return whole
  }

  /** Passes over so many bytes. */
  *skip(length: number): Reading<void> {
    for (let left = length; left > 0; ) {
      while (this.at === this.bytes.length) yield 'more'
      const count = Math.min(left, this.bytes.length - this.at)
      this.at += count
      left -= count
    }
  }

  /** Keeps what was read of the chunk and not taken. */
  #hold(): void {
    const count = this.at - this.#from
    if (count === 0) return
    const length = this.#heldLength + count
    if (length > this.#held.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(length, this.#heldLength * 2, 256))
      this.#held.copy(larger, 0, 0, this.#heldLength)
      this.#held = larger
    }
    this.bytes.copy(this.#held, this.#heldLength, this.#from, this.at)
    this.#heldLength = length
  }
}

const empty: Buffer = Buffer.alloc(0)

/** Makes the error of bytes that break the protocol. */
export function malformed(found: string): ClawError {
  return new ClawError('CP_PROTOCOL', `Cannot read the ClickHouse packet: ${found}`)
}
