import { malformed } from './zstd-fault.ts'

/**
 * Reads a zstd bit stream from its last bit to its first; reading past the first is a fault.
 * @see RFC 8878 4.1 and 4.2.2
 */
export class BackwardBits {
  /** Bits not yet read. */
  left: number
  readonly #bytes: Uint8Array

  /** @throws ZstdFault when the mark of the end, the highest set bit of the last byte, is missing */
  constructor(bytes: Uint8Array) {
    const last = bytes.at(-1) ?? 0
    if (last === 0) throw malformed('a bit stream without end mark')
    this.#bytes = bytes
    this.left = bytes.length * 8 - Math.clz32(last) + 23
  }

  /** @param count 0 to 31 */
  read(count: number): number {
    if (count > this.left) throw malformed('a bit stream that ends early')
    this.left -= count
    return this.#at(this.left, count)
  }

  /**
   * Looks at the next bits; those before the first bit are zeros.
   * @param count 0 to 24
   */
  peek(count: number): number {
    const { left } = this
    return left >= count ? this.#at(left - count, count) : this.#at(0, left) << (count - left)
  }

  #at(position: number, count: number): number {
    const bytes = this.#bytes
    const at = position >>> 3
    const shift = position & 7
    const low = (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16)
    let bits = (low | ((bytes[at + 3] ?? 0) << 24)) >>> shift
    if (shift + count > 32) bits |= (bytes[at + 4] ?? 0) << (32 - shift)
    return bits & (2 ** count - 1)
  }
}
