import { ClawError } from '../../workers/contract/errors.ts'
import type { Flow, Route } from '../../workers/contract/flow.ts'
import type { CredentialName, Fd, FlowId, ProfileName } from '../../workers/contract/ids.ts'
import type { FlowReport } from '../../workers/contract/messages.ts'
import type { Profile } from '../../workers/contract/profile.ts'
import { Rates } from '../rates.ts'
import { type WorkerFiles, workerFiles } from './entry-url.ts'
import { Handoff } from './handoff.ts'
import { proveLockdown } from './permissions.ts'
import { ProfilePool } from './profile-pool.ts'
import type { HostServices, PoolFault } from './services.ts'
import { Watchdog, type WatchdogOptions } from './watchdog.ts'

/** What the pools are made of. */
export interface PoolsOptions {
  readonly services: HostServices
  readonly onFault?: (fault: PoolFault) => void
  /** Compiled workers; by default those of this installation. */
  readonly files?: WorkerFiles
  readonly watchdog?: Partial<WatchdogOptions>
}

/** A profile whose threads just failed to start is left alone for so long, ms. */
const retryMs = 1000

/** One pool of worker threads per profile: made on its first flow, dropped when idle, replaced when it breaks. */
export class Pools implements AsyncDisposable {
  readonly #options: PoolsOptions
  readonly #files: WorkerFiles
  readonly #pools = new Map<ProfileName, ProfilePool>()
  /** Pools of older limits, kept until their last flow ends. */
  readonly #draining = new Set<ProfilePool>()
  readonly #idle = new Map<ProfileName, NodeJS.Timeout>()
  readonly #brokenAt = new Map<ProfileName, number>()
  readonly #watchdog: Watchdog
  readonly #rates = new Rates()
  #isProven = false
  #isClosed = false

  constructor(options: PoolsOptions) {
    this.#options = options
    this.#files = options.files ?? workerFiles()
    this.#watchdog = new Watchdog(() => this.#all(), options.services, options.watchdog)
  }

  /**
   * Proves that worker threads are locked down; without it no flow is served.
   * @throws ClawError CP_FORBIDDEN when they are not
   */
  async start(): Promise<void> {
    await proveLockdown(this.#files)
    this.#isProven = true
  }

  /** Whether another flow of the profile would be served now. */
  hasRoom(name: ProfileName): boolean {
    return this.#pools.get(name)?.hasRoom ?? true
  }

  /** Serves a flow in its profile's pool; never rejects. Owns the descriptor from here on, whatever happens. */
  async run(flow: Flow, route: Extract<Route, { kind: 'inspect' }>, fd: Fd): Promise<FlowReport> {
    const pool = this.#poolOf(flow.profile)
    if (pool instanceof ClawError) {
      const handoff = new Handoff({ flow, route, revision: '', fd })
      handoff.giveUp()
      return handoff.report(null, pool)
    }
    clearTimeout(this.#idle.get(flow.profile))
    const report = await pool.run({ flow, route, revision: pool.profile.revision, fd })
    if (pool.live === 0) this.#whenIdle(pool)
    return report
  }

  cancel(flow: FlowId, because: string): void {
    for (const pool of this.#all()) pool.cancel(flow, because)
  }

  /** Takes over what `services.profile` says now: new revisions go to the threads, flows of gone profiles end. */
  reload(): void {
    for (const pool of [...this.#pools.values()]) {
      const profile = this.#options.services.profile(pool.name)
      if (profile === null) {
        pool.cancelAll(`profile "${pool.name}" is no longer in the policy`)
        this.#drain(pool)
      } else if (profile.revision !== pool.profile.revision) {
        const hasSameThreads = sameLimits(pool.profile, profile)
        pool.update(profile)
        if (!hasSameThreads) this.#drain(pool)
      }
    }
    for (const pool of this.#draining) {
      const profile = this.#options.services.profile(pool.name)
      if (profile !== null && profile.revision !== pool.profile.revision) pool.update(profile)
    }
  }

  /** Tells threads that secrets changed. */
  forget(credentials: readonly CredentialName[]): void {
    for (const pool of this.#all()) pool.broadcast({ kind: 'forget', credentials })
  }

  /** Tells threads whether the record can be written; the watchdog tells them as well, a beat later. */
  recorderChanged(healthy: boolean): void {
    for (const pool of this.#all()) pool.broadcast({ kind: 'recorder', healthy })
  }

  stats(): readonly { readonly profile: ProfileName; readonly threads: number; readonly flows: number }[] {
    return [...this.#all()].map((pool) => ({
      profile: pool.name,
      threads: [...pool.threads()].length,
      flows: pool.live,
    }))
  }

  /** Ends every thread and with it every flow; resolves when they are gone. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true
    this.#watchdog[Symbol.dispose]()
    for (const timer of this.#idle.values()) clearTimeout(timer)
    const pools = [...this.#all()]
    this.#pools.clear()
    this.#draining.clear()
    for (const pool of pools) pool.cancelAll('the gateway is stopping')
    await Promise.all(pools.map((pool) => pool.destroy()))
    this.#rates[Symbol.dispose]()
  }

  #poolOf(name: ProfileName): ProfilePool | ClawError {
    if (this.#isClosed) return new ClawError('CP_CANCELLED', 'the gateway is stopping')
    if (!this.#isProven) return new ClawError('CP_FORBIDDEN', 'worker threads have not been proven to be locked down')
    const known = this.#pools.get(name)
    if (known !== undefined) return known
    const profile = this.#options.services.profile(name)
    if (profile === null) return new ClawError('CP_CONFIG', `profile "${name}" is not in the policy`)
    if (performance.now() - (this.#brokenAt.get(name) ?? Number.NEGATIVE_INFINITY) < retryMs)
      return new ClawError('CP_INTERNAL', `the threads of profile "${name}" cannot start`)
    const pool = new ProfilePool({
      profile,
      services: this.#options.services,
      rates: this.#rates,
      files: this.#files,
      onFault: (fault) => this.#options.onFault?.(fault),
      onBroken: () => {
        this.#brokenAt.set(name, performance.now())
        this.#remove(pool)
      },
    })
    this.#pools.set(name, pool)
    return pool
  }

  #whenIdle(pool: ProfilePool): void {
    if (this.#draining.has(pool)) {
      this.#remove(pool)
      return
    }
    if (this.#pools.get(pool.name) !== pool) return
    clearTimeout(this.#idle.get(pool.name))
    const drop = () => {
      if (pool.live === 0) this.#remove(pool)
    }
    this.#idle.set(pool.name, setTimeout(drop, pool.profile.limits.idleMs).unref())
  }

  #drain(pool: ProfilePool): void {
    this.#pools.delete(pool.name)
    this.#draining.add(pool)
    if (pool.live === 0) this.#remove(pool)
  }

  #remove(pool: ProfilePool): void {
    if (this.#pools.get(pool.name) === pool) this.#pools.delete(pool.name)
    this.#draining.delete(pool)
    void pool.destroy()
  }

  *#all(): Iterable<ProfilePool> {
    yield* this.#pools.values()
    yield* this.#draining
  }
}

function sameLimits({ limits: a }: Profile, { limits: b }: Profile): boolean {
  return a.threads === b.threads && a.flowsPerThread === b.flowsPerThread && a.heapMb === b.heapMb
}
