import { setTimeout as wait } from 'node:timers/promises'
import type { Database } from '../store/database.ts'
import { type Expiry, type ExpiryCursor, expiryOf } from '../store/expiry.ts'
import { storeTrouble } from '../store/store-fault.ts'

/** How long records are kept. */
export interface RetentionRules {
  /** null: for ever. */
  readonly actionsKeepMs: number | null
  /** Endpoints that say otherwise; undefined: they do not. */
  readonly endpoints: readonly { readonly name: string; readonly retentionMs: number | null | undefined }[]
}

/** What retention is made of. */
export interface RetentionOptions {
  readonly database: Database
  /** Asked at each pass: a reload may have changed them. */
  readonly rules: () => RetentionRules
  readonly onError: (error: unknown) => void
  readonly now?: () => number
  /** A clock nobody sets, ms. */
  readonly steadyNow?: () => number
}

const firstMs = 45_000
const everyMs = 3_600_000
const pauseMs = 25
/** How often a batch is tried while another connection writes. */
const mostBusy = 400
/** How far the clock may run ahead of the time that passed before it is not believed. */
const driftMs = 3_600_000

/** Deletes records that are older than they are to be kept, now and then. Owns a connection and a timer. */
export class Retention implements AsyncDisposable {
  readonly #options: RetentionOptions
  readonly #database: Database
  readonly #expiry: Expiry
  readonly #now: () => number
  readonly #steadyNow: () => number
  readonly #began: { readonly wall: number; readonly steady: number }
  readonly #stop = new AbortController()
  #running: Promise<void> = Promise.resolve()

  constructor(options: RetentionOptions) {
    this.#options = options
    this.#database = options.database.connect({ busyMs: 0 })
    this.#expiry = expiryOf(this.#database)
    this.#now = options.now ?? Date.now
    this.#steadyNow = options.steadyNow ?? (() => performance.now())
    this.#began = { wall: this.#now(), steady: this.#steadyNow() }
  }

  /** Passes regularly from now on, the first time after 45 s. */
  start(): void {
    this.#running = this.#run()
  }

  /** One pass. @returns how many records are gone */
  async sweep(): Promise<number> {
    const { actionsKeepMs, endpoints } = this.#options.rules()
    const keeps = new Map(
      endpoints.flatMap(({ name, retentionMs }) => (retentionMs === undefined ? [] : [[name, retentionMs] as const])),
    )
    const limits = [actionsKeepMs, ...keeps.values()].filter((keep) => keep !== null)
    if (limits.length === 0) return 0
    const now = this.#believedNow()
    const isExpired = (openedAt: number, endpoint: string | null) => {
      const own = endpoint === null ? undefined : keeps.get(endpoint)
      const keep = own === undefined ? actionsKeepMs : own
      return keep !== null && openedAt < now - keep
    }
    const before = now - Math.min(...limits)
    let deleted = 0
    let cursor: ExpiryCursor | null = null
    for (let busy = 0; ; ) {
      try {
        const batch = this.#expiry.batch(cursor, before, isExpired)
        deleted += batch.deleted
        cursor = batch.next
        busy = 0
        if (cursor === null) break
      } catch (error) {
        // another connection writes at the moment
        busy += 1
        if (storeTrouble(error) !== 'busy' || busy > mostBusy) throw error
      }
      await wait(pauseMs, undefined, { signal: this.#stop.signal })
    }
    return deleted
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort()
    await this.#running
    this.#database.close()
  }

  /** A clock that jumps ahead must not delete the record: only time that passed here counts. */
  #believedNow(): number {
    const passed = this.#steadyNow() - this.#began.steady
    return Math.min(this.#now(), this.#began.wall + passed + driftMs)
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop
    for (let pause = firstMs; !signal.aborted; pause = everyMs) {
      try {
        await wait(pause, undefined, { signal, ref: false })
        await this.sweep()
      } catch (error) {
        if (!signal.aborted) this.#options.onError(error)
      }
    }
  }
}
