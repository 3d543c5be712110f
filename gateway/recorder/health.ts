import { type StoreTrouble, storeTrouble } from '../store/store-fault.ts'

/** How long another process may hold the write lock before the record counts as not writable, ms. */
const patienceMs = 2000
const firstRetryMs = 50
const longestRetryMs = 5000

/** Whether the record can be written, and when to try again. */
export class RecorderHealth {
  readonly #listeners = new Set<(healthy: boolean) => void>()
  readonly #now: () => number
  #failures = 0
  #busySince: number | null = null
  #trouble: StoreTrouble | null = null

  /** @param now a clock that nobody sets, ms */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now
  }

  get healthy(): boolean {
    return this.#trouble === null
  }

  /** What is wrong; null when nothing is. */
  get trouble(): StoreTrouble | null {
    return this.#trouble
  }

  /** Calls back at each change. @returns how to stop that */
  onChange(listener: (healthy: boolean) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** A batch could not be written. @returns when to try again, ms from now */
  failed(error: unknown): number {
    const trouble = storeTrouble(error)
    if (trouble === 'busy') {
      this.#busySince ??= this.#now()
      if (this.#now() - this.#busySince < patienceMs) return 5
    }
    this.#failures += 1
    this.#set(trouble)
    return Math.min(longestRetryMs, firstRetryMs * 2 ** Math.min(this.#failures - 1, 10))
  }

  /** A batch is written. */
  succeeded(): void {
    this.#failures = 0
    this.#busySince = null
    this.#set(null)
  }

  #set(trouble: StoreTrouble | null): void {
    const wasHealthy = this.healthy
    this.#trouble = trouble
    if (wasHealthy !== this.healthy) for (const listener of this.#listeners) listener(this.healthy)
  }
}
