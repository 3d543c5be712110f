const slots = 60

/** How many events fell into the last `windowMs`. Never says too few; says too many by those of one 60th of the window. */
export class SlidingCount {
  readonly #windowMs: number
  readonly #slotMs: number
  /** Oldest first: at most one per slot, so at most 61. */
  #entries: { readonly slot: number; at: number; count: number }[] = []

  constructor(windowMs: number) {
    this.#windowMs = windowMs
    this.#slotMs = windowMs / slots
  }

  /** @param nowMs on a clock that never goes back */
  add(nowMs: number): void {
    this.#expire(nowMs)
    const slot = Math.floor(nowMs / this.#slotMs)
    const last = this.#entries.at(-1)
    if (last?.slot !== slot) {
      this.#entries.push({ slot, at: nowMs, count: 1 })
      return
    }
    last.at = nowMs
    last.count += 1
  }

  at(nowMs: number): number {
    this.#expire(nowMs)
    return this.#entries.reduce((sum, { count }) => sum + count, 0)
  }

  #expire(nowMs: number): void {
    const kept = this.#entries.findIndex(({ at }) => at > nowMs - this.#windowMs)
    if (kept !== 0) this.#entries = kept < 0 ? [] : this.#entries.slice(kept)
  }
}
