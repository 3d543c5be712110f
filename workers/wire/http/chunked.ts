import { type BadMessage, bad, hasStrayBytes, maxHeadBytes, parseHeaderLines } from './head-lines.ts'
import { HeaderList } from './header-list.ts'

/** Longest chunk-size line kept, bytes, extensions included. */
const maxLineBytes = 256
const cr = 13
const lf = 10
const noTrailers = new HeaderList()

/** Receives what the decoder finds. */
export interface ChunkedEvents {
  data(bytes: Buffer): void
}

/** How far a `feed` came: bytes of the input used, and whether the body is over. */
export type ChunkedProgress =
  | { readonly kind: 'more' }
  | { readonly kind: 'end'; readonly used: number; readonly trailers: HeaderList }
  | BadMessage

/**
 * Decodes a chunked body fed in pieces of any size; chunk data is passed on as it comes, without copying.
 * Extensions are dropped: no one downstream may read them differently.
 * @see RFC 9112 section 7.1
 */
export class ChunkedDecoder {
  #state: 'size' | 'data' | 'data_end' | 'trailers' = 'size'
  /** A size line or trailer section that is not whole yet. */
  #held = ''
  #left = 0

  feed(bytes: Buffer, events: ChunkedEvents): ChunkedProgress {
    let at = 0
    while (at < bytes.length) {
      if (this.#state === 'data') {
        const end = Math.min(at + this.#left, bytes.length)
        events.data(bytes.subarray(at, end))
        this.#left -= end - at
        at = end
        if (this.#left === 0) this.#state = 'data_end'
        continue
      }
      const line = bytes.indexOf(lf, at)
      const end = line < 0 ? bytes.length : line + 1
      const limit = this.#state === 'trailers' ? maxHeadBytes : maxLineBytes
      if (this.#held.length + end - at > limit) return bad(400, 'a chunk line or trailer section is too long')
      this.#held += bytes.toString('latin1', at, end)
      at = end
      if (line < 0) {
        // refused early: `\n` may never come
        if (this.#state === 'data_end' && this.#held !== '\r') return bad(400, 'chunk data does not end in CR LF')
        continue
      }
      const progress = this.#line(at)
      if (progress !== null) return progress
    }
    return { kind: 'more' }
  }

  /** Handles the line that ends at `used`; null: go on. */
  #line(used: number): ChunkedProgress | null {
    if (this.#held.charCodeAt(this.#held.length - 2) !== cr) return bad(400, 'a chunk line does not end in CR LF')
    switch (this.#state) {
      case 'size':
        return this.#size()
      case 'data_end':
        if (this.#held !== '\r\n') return bad(400, 'chunk data does not end in CR LF')
        this.#held = ''
        this.#state = 'size'
        return null
      default:
        return this.#trailers(used)
    }
  }

  #size(): BadMessage | null {
    const found = /^([0-9A-Fa-f]{1,13})(?:[ \t]*;[\t\x20-\x7e\x80-\xff]*)?\r\n$/.exec(this.#held)
    if (found === null) return bad(400, 'a chunk size is not a hexadecimal number')
    this.#left = Number.parseInt(found[1] ?? '', 16)
    this.#held = ''
    this.#state = this.#left === 0 ? 'trailers' : 'data'
    return null
  }

  #trailers(used: number): ChunkedProgress | null {
    if (this.#held === '\r\n') return { kind: 'end', used, trailers: noTrailers }
    if (!this.#held.endsWith('\r\n\r\n')) return null
    if (hasStrayBytes(this.#held)) return bad(400, 'a control character in the trailer section')
    const trailers = parseHeaderLines(this.#held, 0)
    return 'kind' in trailers ? trailers : { kind: 'end', used, trailers }
  }
}

/** The line before a chunk of that many bytes. */
export function chunkHead(bytes: number): string {
  return `${bytes.toString(16)}\r\n`
}
