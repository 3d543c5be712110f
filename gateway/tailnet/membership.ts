import { setTimeout as wait } from 'node:timers/promises'
import type { NodeNetwork, NodeStatus, TailnetHandlers } from './tailnet.ts'

/** Pause after a start that failed, ms: doubled each time up to the longest. */
const firstPauseMs = 1000
const longestPauseMs = 60_000
/** How often a running node is looked at, ms. */
const lookEveryMs = 15_000

/** What a membership is made of. */
export interface MembershipParts {
  /** A node that has not been started; a new one for each attempt. */
  readonly network: () => NodeNetwork
  /** The node is in the tailnet: opens its ports, offers its routes. */
  readonly onUp: (network: NodeNetwork, status: NodeStatus) => Promise<void>
  /** It is not, and why; it is tried again. */
  readonly onDown: (cause: unknown) => void
  /** What the node says about itself changed. */
  readonly onChange?: (network: NodeNetwork, status: NodeStatus) => void
}

/**
 * The gateway's membership in a tailnet: kept up for as long as the gateway runs. A control plane that cannot be
 * reached, or does not want the node, ends nothing else: it is asked again and again.
 */
export class Membership implements AsyncDisposable {
  readonly #parts: MembershipParts
  readonly #stop = new AbortController()
  #network: NodeNetwork | null = null
  #status: NodeStatus | null = null
  #downBecause: string | null = null
  #running: Promise<void> = Promise.resolve()

  constructor(parts: MembershipParts) {
    this.#parts = parts
  }

  /** The node while it is in the tailnet. */
  get network(): NodeNetwork | null {
    return this.#network
  }

  /** What was last seen of it; null: it is not in the tailnet. */
  get status(): NodeStatus | null {
    return this.#status
  }

  /** Why the last attempt failed; null: it did not. */
  get downBecause(): string | null {
    return this.#downBecause
  }

  /** Begins and resolves at once: the rest of the gateway does not wait for the tailnet. */
  start(handlers: TailnetHandlers): void {
    this.#running = this.#keepUp(handlers)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort()
    await this.#running
  }

  async #keepUp(handlers: TailnetHandlers): Promise<void> {
    const { signal } = this.#stop
    let pauseMs = firstPauseMs
    while (!signal.aborted) {
      const network = this.#parts.network()
      try {
        await network.start(handlers, signal)
        const status = await network.status()
        this.#network = network
        this.#status = status
        this.#downBecause = null
        await this.#parts.onUp(network, status)
        pauseMs = firstPauseMs
        await this.#watch(network)
      } catch (error) {
        if (!signal.aborted) {
          this.#downBecause = error instanceof Error ? error.message : String(error)
          this.#parts.onDown(error)
        }
      } finally {
        this.#network = null
        this.#status = null
        await Promise.resolve(network[Symbol.asyncDispose]()).catch(() => undefined)
      }
      await wait(pauseMs, undefined, { signal }).catch(() => undefined)
      pauseMs = Math.min(pauseMs * 2, longestPauseMs)
    }
  }

  /** Looks at the node until the gateway stops. @throws once the node answers no more: another one is started then */
  async #watch(network: NodeNetwork): Promise<void> {
    const { signal } = this.#stop
    let last = JSON.stringify(this.#status)
    while (!signal.aborted) {
      await wait(lookEveryMs, undefined, { signal }).catch(() => undefined)
      if (signal.aborted) return
      const status = await network.status()
      const found = JSON.stringify(status)
      this.#status = status
      if (found !== last) this.#parts.onChange?.(network, status)
      last = found
    }
  }
}
