import type { Handoff } from './handoff.ts'
import type { PoolThread, ProfilePool } from './profile-pool.ts'
import type { HostServices } from './services.ts'

/** When a thread counts as lost. */
export interface WatchdogOptions {
  readonly everyMs: number
  /** Pings in a row that may stay unanswered. */
  readonly maxMissed: number
  /** How long a thread may take to say hello, ms. */
  readonly bootMs: number
  /** Memory outside the heap a thread may hold, bytes: Buffers, which its heap limit does not bound. */
  readonly maxExternalBytes: number
}

const defaults: WatchdogOptions = {
  everyMs: 1000,
  maxMissed: 5,
  bootMs: 20_000,
  maxExternalBytes: 1024 * 1024 * 1024,
}

/**
 * Pings every thread of every pool and ends those that do not answer: a decoder that spins has the whole thread.
 * Only its profile suffers. Owns one timer.
 */
export class Watchdog implements Disposable {
  readonly #pools: () => Iterable<ProfilePool>
  readonly #services: HostServices
  readonly #options: WatchdogOptions
  readonly #timer: NodeJS.Timeout
  readonly #marks = new WeakMap<ProfilePool, { readonly seq: number; readonly ended: readonly Handoff[] }>()
  readonly #missed = new WeakMap<PoolThread, number>()
  #seq = 0
  #wasHealthy: boolean | null = null

  constructor(pools: () => Iterable<ProfilePool>, services: HostServices, options: Partial<WatchdogOptions> = {}) {
    this.#pools = pools
    this.#services = services
    this.#options = { ...defaults, ...options }
    this.#timer = setInterval(() => this.#beat(), this.#options.everyMs).unref()
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer)
  }

  #beat(): void {
    const isHealthy = this.#services.recorderHealthy()
    const hasChanged = isHealthy !== this.#wasHealthy
    this.#wasHealthy = isHealthy
    this.#seq += 1
    for (const pool of this.#pools()) {
      if (hasChanged) pool.broadcast({ kind: 'recorder', healthy: isHealthy })
      for (const thread of pool.threads()) this.#check(pool, thread)
      this.#settle(pool)
      for (const { host } of pool.threads()) host?.ping(this.#seq)
    }
  }

  #check(pool: ProfilePool, thread: PoolThread): void {
    const { everyMs, maxMissed, bootMs, maxExternalBytes } = this.#options
    const { host } = thread
    if (host === null) {
      const waitedMs = performance.now() - thread.since
      if (waitedMs > bootMs) pool.end(thread, 'stuck', `a thread did not become ready within ${bootMs} ms`)
      return
    }
    // counted in beats and not by the clock: a machine that was asleep must not cost its threads
    const missed = host.lastPong >= host.lastPing ? 0 : (this.#missed.get(thread) ?? 0) + 1
    this.#missed.set(thread, missed)
    if (missed > maxMissed) pool.end(thread, 'stuck', `a thread did not answer for ${missed * everyMs} ms`)
    else if (host.externalBytes > maxExternalBytes)
      pool.end(thread, 'bloated', `a thread holds ${host.externalBytes} bytes outside its heap`)
  }

  /** Once every thread has answered a ping sent after a flow ended, nothing about that flow can still come. */
  #settle(pool: ProfilePool): void {
    const mark = this.#marks.get(pool)
    const threads = [...pool.threads()]
    if (mark !== undefined) {
      if (!threads.every(({ host }) => host === null || host.lastPong >= mark.seq)) return
      pool.settle(mark.ended)
    }
    this.#marks.set(pool, { seq: this.#seq, ended: pool.mark() })
  }
}
