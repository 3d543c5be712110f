import { ClawError } from '../../workers/contract/errors.ts'
import type { TailnetKeys } from '../store/tailnet-keys.ts'
import type { TailnetRemovals } from '../store/tailnet-removals.ts'
import type { TailscaleApi } from './api.ts'

/** What revoking needs. */
export interface RevokerOptions {
  readonly api: TailscaleApi | null
  readonly keys: TailnetKeys
  readonly removals: TailnetRemovals
  readonly onTrouble: (error: ClawError) => void
  readonly now: () => number
  readonly retryMs?: { readonly first: number; readonly most: number }
}

const retry = { first: 5000, most: 3_600_000 }
/** Longest a timer can wait, ms. */
const longestMs = 2 ** 31 - 1

/**
 * Deletes keys and nodes that are marked for it, one pass at a time, and tries again what failed, each time after
 * twice as long. Owns one timer.
 */
export class Revoker implements AsyncDisposable {
  readonly #options: RevokerOptions
  #timer: NodeJS.Timeout | null = null
  #pass: Promise<void> = Promise.resolve()
  #failures = 0
  readonly #stop = new AbortController()

  constructor(options: RevokerOptions) {
    this.#options = options
  }

  /** One pass over everything that is due; resolves at its end, never rejects. */
  run(): Promise<void> {
    this.#pass = this.#pass.then(() => this.#runOnce())
    return this.#pass
  }

  /** Sets the timer for what is due next. */
  schedule(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    if (this.#stop.signal.aborted || this.#options.api === null) return
    const waitMs = this.#waitMs()
    if (waitMs === null) return
    this.#timer = setTimeout(() => void this.run(), Math.min(waitMs, longestMs)).unref()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort()
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    await this.#pass
  }

  #waitMs(): number | null {
    const { keys, now } = this.#options
    if (this.#failures > 0) {
      const { first, most } = this.#options.retryMs ?? retry
      return Math.min(most, first * 2 ** Math.min(this.#failures - 1, 20))
    }
    const next = keys.nextDue()
    return next === null ? null : Math.max(0, next - now())
  }

  async #runOnce(): Promise<void> {
    if (this.#stop.signal.aborted) return
    try {
      const failed = await this.#sweep()
      this.#failures = failed ? this.#failures + 1 : 0
      this.schedule()
    } catch (error) {
      // the database: after a failure the wait is known without it
      this.#failures += 1
      this.#tell(error)
      this.schedule()
    }
  }

  /** Keys first: a node that is out must not come in again. @returns whether something failed */
  async #sweep(): Promise<boolean> {
    const { api, keys, removals } = this.#options
    const { signal } = this.#stop
    const work = [
      ...keys.due().map(({ id }) => ({
        act: (to: TailscaleApi) => to.deleteKey(id, signal),
        done: () => keys.noteRevoked(id),
        failed: (why: string) => keys.noteFailure(id, why),
      })),
      ...removals.list().map(({ stableId }) => ({
        act: (to: TailscaleApi) => to.deleteDevice(stableId, signal),
        done: () => removals.forget(stableId),
        failed: (why: string) => removals.noteFailure(stableId, why),
      })),
    ]
    let trouble: ClawError | null = null
    for (const { act, done, failed } of work) {
      try {
        if (api === null) throw noClient()
        await act(api)
        done()
      } catch (error) {
        if (signal.aborted) return true
        trouble = asClawError(error)
        failed(trouble.message)
        // nobody answers: not another 30 s for each
        if (trouble.code !== 'CP_ONBOARD') break
      }
    }
    if (trouble !== null) this.#tell(trouble)
    return trouble !== null
  }

  #tell(error: unknown): void {
    if (!this.#stop.signal.aborted) this.#options.onTrouble(asClawError(error))
  }
}

function noClient(): ClawError {
  return new ClawError('CP_ONBOARD', 'tailscale oauth not configured: remove the node and its key in the console')
}

function asClawError(error: unknown): ClawError {
  if (error instanceof ClawError) return error
  return new ClawError('CP_INTERNAL', 'Cannot revoke', { cause: error })
}
