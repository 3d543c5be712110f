import { hash } from 'node:crypto'
import type { Sample } from '../../contract/action.ts'
import type { HeaderList } from './header-list.ts'

/** Keeps the first bytes of a body for the record. */
export class Sampler {
  readonly #limit: number
  #contentType: string | null = null
  #pieces: Buffer[] = []
  #kept = 0
  total = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  /** Notes what kind of body it is. */
  describe(headers: HeaderList): this {
    this.#contentType = headers.get('content-type')?.slice(0, 128) ?? null
    return this
  }

  add(chunk: Buffer): void {
    this.total += chunk.length
    if (this.#kept >= this.#limit) return
    const piece = chunk.subarray(0, this.#limit - this.#kept)
    this.#kept += piece.length
    // a copy: a view would keep the whole read until the action ends
    this.#pieces.push(Buffer.from(piece))
  }

  /** @param isWhole whether the body came to its end; null when there was none */
  sample(isWhole: boolean): Sample | null {
    if (this.total === 0) return null
    const bytes = new Uint8Array(this.#kept)
    let at = 0
    for (const piece of this.#pieces) {
      bytes.set(piece, at)
      at += piece.length
    }
    // a longer body is not worth the hashing: nothing can be compared with its sample
    const sha256 = isWhole && bytes.length === this.total ? hash('sha256', bytes) : null
    return { bytes, total: this.total, sha256, contentType: this.#contentType }
  }
}
