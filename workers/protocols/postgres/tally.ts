import type { ResultLimits } from '../../contract/verdict.ts'

/** Rows, and their bytes as they are sent. */
export interface Amount {
  rows: number
  bytes: number
}

/** Bytes of the message that ends data of a COPY in binary form: no row. */
const trailerBytes = 7

/** What one statement gives, and the most it may. */
export class Tally implements Amount {
  rows = 0
  bytes = 0
  /** What it would have given too much of; null: nothing. From then on it gives nothing. */
  over: keyof ResultLimits | null = null
  /** Whether it is data of a COPY in binary form. */
  isBinary = false
  readonly #mostRows: number
  readonly #mostBytes: number

  /** @param before what it gave already, in parts */
  constructor(limits: ResultLimits | null = null, before: Readonly<Amount> | null = null) {
    this.#mostRows = (limits?.rows ?? Number.POSITIVE_INFINITY) - (before?.rows ?? 0)
    this.#mostBytes = (limits?.bytes ?? Number.POSITIVE_INFINITY) - (before?.bytes ?? 0)
  }

  /** Counts a row of that many bytes. Whether it may be given. */
  take(bytes: number): boolean {
    if (this.over !== null) return false
    this.rows += 1
    this.bytes += bytes
    if (this.rows <= this.#mostRows && this.bytes <= this.#mostBytes) return true
    return this.#exceed(bytes)
  }

  #exceed(bytes: number): boolean {
    this.rows -= 1
    this.bytes -= bytes
    if (this.isBinary && bytes === trailerBytes) return true
    this.over = this.rows + 1 > this.#mostRows ? 'rows' : 'bytes'
    return false
  }
}
