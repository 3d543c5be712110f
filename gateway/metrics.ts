import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks'

/** What the gateway counts about itself, at one moment. */
export interface MetricsSnapshot {
  readonly uptimeMs: number
  /** Totals since start. */
  readonly counters: { readonly [name: string]: number }
  /** What is so at the moment. */
  readonly gauges: { readonly [name: string]: number }
  /** How late timers of the main thread fire, ms, since the last `reset`. */
  readonly eventLoopDelay: {
    readonly p50Ms: number
    readonly p99Ms: number
    readonly maxMs: number
  }
  readonly rssBytes: number
  readonly cpuMs: number
}

const resolutionMs = 10
/** Names are written in the code, never by agents; this only catches a mistake. */
const mostNames = 1000

/** Counters, gauges and the delay of the main thread's event loop. Owns the delay monitor. */
export class Metrics implements Disposable {
  readonly #counters = new Map<string, number>()
  readonly #gauges = new Map<string, () => number>()
  readonly #delay: IntervalHistogram = monitorEventLoopDelay({ resolution: resolutionMs })
  readonly #startedMs = performance.now()

  constructor() {
    this.#delay.enable()
  }

  /** Adds to a total. */
  count(name: string, amount = 1): void {
    const before = this.#counters.get(name)
    if (before === undefined && this.#counters.size >= mostNames) return
    this.#counters.set(name, (before ?? 0) + amount)
  }

  /** Names a value that is read at each snapshot. @returns how to take it away */
  gauge(name: string, read: () => number): () => void {
    this.#gauges.set(name, read)
    return () => {
      if (this.#gauges.get(name) === read) this.#gauges.delete(name)
    }
  }

  snapshot(): MetricsSnapshot {
    const { user, system } = process.cpuUsage()
    return {
      uptimeMs: Math.round(performance.now() - this.#startedMs),
      counters: sorted(this.#counters),
      gauges: sorted([...this.#gauges].map(([name, read]) => [name, read()] as const)),
      eventLoopDelay: {
        p50Ms: this.#lateMs(this.#delay.percentile(50)),
        p99Ms: this.#lateMs(this.#delay.percentile(99)),
        maxMs: this.#lateMs(this.#delay.max),
      },
      rssBytes: process.memoryUsage.rss(),
      cpuMs: Math.round((user + system) / 1000),
    }
  }

  /** Begins a new measurement of the event loop; totals go on. */
  reset(): void {
    this.#delay.reset()
  }

  [Symbol.dispose](): void {
    this.#delay.disable()
  }

  /** The monitor measures whole intervals: only what is above its own is delay. */
  #lateMs(ns: number): number {
    const ms = ns / 1e6 - resolutionMs
    return Number.isFinite(ms) && this.#delay.count > 0 ? Math.max(0, Math.round(ms * 100) / 100) : 0
  }
}

function sorted(entries: Iterable<readonly [string, number]>): { readonly [name: string]: number } {
  return Object.fromEntries([...entries].sort(([a], [b]) => (a < b ? -1 : 1)))
}
