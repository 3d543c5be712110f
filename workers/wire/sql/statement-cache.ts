import type { AnalysedStatement, AnalyseSql } from '../../contract/sql.ts'

/** Texts longer than this are taken apart each time, UTF-16 units. */
const longestKept = 65536
/** What an entry costs besides its text, bytes. */
const perEntry = 1024

/**
 * Remembers what SQL texts were seen to do, so that a statement sent again costs a look-up. The texts used longest ago
 * are forgotten first.
 */
export class StatementCache {
  readonly #analyse: AnalyseSql
  readonly #mostBytes: number
  readonly #entries = new Map<string, readonly AnalysedStatement[]>()
  #bytes = 0
  hits = 0
  misses = 0

  /** @param mostBytes rough size of what is remembered, bytes */
  constructor(analyse: AnalyseSql, mostBytes: number) {
    this.#analyse = analyse
    this.#mostBytes = mostBytes
  }

  analyse(text: string): readonly AnalysedStatement[] {
    const known = this.#entries.get(text)
    if (known !== undefined) {
      this.hits += 1
      // a Map keeps the order of insertion: the first is the one used longest ago
      this.#entries.delete(text)
      this.#entries.set(text, known)
      return known
    }
    this.misses += 1
    const found = this.#analyse(text)
    if (text.length <= longestKept) this.#keep(text, found)
    return found
  }

  /** Rough size of what is remembered, bytes. */
  get bytes(): number {
    return this.#bytes
  }

  #keep(text: string, found: readonly AnalysedStatement[]): void {
    this.#entries.set(text, found)
    this.#bytes += costOf(text, found)
    for (const [oldest, dropped] of this.#entries) {
      if (this.#bytes <= this.#mostBytes) return
      this.#entries.delete(oldest)
      this.#bytes -= costOf(oldest, dropped)
    }
  }
}

/** The text is there as key and as `statement`; names of relations and the like are parts of it. */
function costOf(text: string, found: readonly AnalysedStatement[]): number {
  return text.length * 6 + perEntry * (1 + found.length)
}
