/** Collects the bytes of what the gateway itself writes. */
export class ByteSink {
  readonly #pieces: Buffer[] = []

  /** A number of one byte. */
  byte(value: number): this {
    this.#pieces.push(Buffer.from([value]))
    return this
  }

  /** A number of variable length. */
  varint(value: number | bigint): this {
    const bytes: number[] = []
    let left = BigInt(value)
    for (; left >= 128n; left >>= 7n) bytes.push(Number(left & 127n) | 128)
    bytes.push(Number(left))
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
