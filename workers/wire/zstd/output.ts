import { malformed, ZstdFault } from './zstd-fault.ts'

/** What was decoded so far, and how far back and ahead the format lets it reach. */
export class Output {
  length = 0
  #bytes = Buffer.alloc(0)
  #windowSize = 0
  #blockEnd = 0
  readonly #most: number

  /** @param most longest output; no more is ever allocated */
  constructor(most: number) {
    this.#most = most
  }

  /** @param contentSize what the frame says of itself; one over the limit is not begun */
  start(windowSize: number, contentSize: number | null): void {
    this.#windowSize = windowSize
    if (contentSize !== null && contentSize > this.#most) throw tooLong()
  }

  /** @param most longest the block may become */
  startBlock(most: number): void {
    this.#blockEnd = this.length + most
  }

  append(from: Uint8Array, start: number, end: number): void {
    const count = end - start
    const at = this.#claim(count)
    const bytes = this.#bytes
    if (count > 32) bytes.set(from.subarray(start, end), at)
    else for (let i = 0; i < count; i++) bytes[at + i] = from[start + i] ?? 0
  }

  appendRun(byte: number, count: number): void {
    const at = this.#claim(count)
    this.#bytes.fill(byte, at, at + count)
  }

  /** Says again what was said `offset` bytes ago; it may run into what it says itself. */
  repeat(offset: number, count: number): void {
    // decoders differ in what they find further back
    if (offset < 1 || offset > this.length || offset > this.#windowSize) throw malformed('a match too far back')
    const at = this.#claim(count)
    const bytes = this.#bytes
    if (offset >= count && count > 16) bytes.copyWithin(at, at - offset, at - offset + count)
    else for (let i = at; i < at + count; i++) bytes[i] = bytes[i - offset] ?? 0
  }

  /** All of it. */
  whole(): Buffer {
    return this.#bytes.subarray(0, this.length)
  }

  #claim(count: number): number {
    const at = this.length
    const end = at + count
    if (end > this.#blockEnd) throw malformed('a block that becomes too long')
    if (end > this.#most) throw tooLong()
    if (end > this.#bytes.length) this.#grow(end)
    this.length = end
    return at
  }

  #grow(needed: number): void {
    const larger = Buffer.allocUnsafeSlow(Math.min(this.#most, Math.max(needed, 4096, this.#bytes.length * 2)))
    this.#bytes.copy(larger, 0, 0, this.length)
    this.#bytes = larger
  }
}

function tooLong(): ZstdFault {
  return new ZstdFault('too-long', 'more output than allowed')
}
