/** Collects the bytes of what the gateway itself writes. */
export class ByteSink {
  readonly #pieces: Buffer[] = []

  /** A number of one byte. */
  byte(value: number): this {
    this.#pieces.push(Buffer.from([value]))
    return this
  }

  /** A number of variable length. */
  varint(value: number): this {
    const bytes: number[] = []
    let left = value
    for (; left >= 128; left = Math.floor(left / 128)) bytes.push((left % 128) + 128)
    bytes.push(left)
    this.#pieces.push(Buffer.from(bytes))
    return this
  }

  /** A number of 4 bytes, with sign. */
  int32(value: number): this {
    const bytes = Buffer.alloc(4)
    bytes.writeInt32LE(value)
    this.#pieces.push(bytes)
    return this
  }

  /** Bytes with their length before them, or a text as such. */
  text(value: string | Buffer): this {
    const bytes = Buffer.from(value)
    this.varint(bytes.length)
    this.#pieces.push(bytes)
    return this
  }

  /** Bytes as they are. */
  raw(bytes: Buffer): this {
    this.#pieces.push(bytes)
    return this
  }

  /** All of it. */
  whole(): Buffer {
    return Buffer.concat(this.#pieces)
  }
}
