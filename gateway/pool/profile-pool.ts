import { MessagePort, type Worker } from 'node:worker_threads'
import { Piscina } from 'piscina'
import { ClawError } from '../../workers/contract/errors.ts'
import type { FlowId, ProfileName } from '../../workers/contract/ids.ts'
import type { Control, FlowReport, FlowTask } from '../../workers/contract/messages.ts'
import type { Profile } from '../../workers/contract/profile.ts'
import type { Rates } from '../rates.ts'
import type { WorkerFiles } from './entry-url.ts'
import { type Grants, grantsOf } from './grants.ts'
import { Handoff } from './handoff.ts'
import { ThreadHost, type ThreadOwner } from './host.ts'
import { workerFlags } from './permissions.ts'
import { isRecordMemory } from './record-reader.ts'
import type { HostServices, PoolFault } from './services.ts'
import { recordViolation } from './violation.ts'

/** What a profile's pool is made of. */
export interface ProfilePoolOptions {
  readonly profile: Profile
  readonly services: HostServices
  /** Shared by all pools. */
  readonly rates: Rates
  readonly files: WorkerFiles
  readonly onFault: (fault: PoolFault) => void
  /** The pool cannot go on and must be replaced. */
  readonly onBroken: () => void
}

/** A thread as the watchdog sees it. */
export interface PoolThread {
  readonly worker: Worker
  /** When it was first seen, on the clock of `performance.now()`, ms. */
  readonly since: number
  /** Null until the thread has said hello. */
  host: ThreadHost | null
  isEnding: boolean
}

/** Violations after which a thread is ended, with all its flows. */
const maxViolations = 16
/** Flows that may wait for a thread to become ready. */
const maxQueued = 1024

/** The threads of one profile and the flows on them. */
export class ProfilePool implements ThreadOwner {
  readonly name: ProfileName
  readonly services: HostServices
  readonly rates: Rates
  readonly #options: ProfilePoolOptions
  readonly #piscina: Piscina
  readonly #threads = new Map<Worker, PoolThread>()
  readonly #handoffs = new Map<FlowId, Handoff>()
  /** Over, but messages about them may still be on their way. */
  #ended: Handoff[] = []
  #current: Grants
  #previous: Grants | null = null
  #violations = 0
  #isDestroyed = false

  constructor(options: ProfilePoolOptions) {
    const { limits, name } = options.profile
    this.#options = options
    this.name = name
    this.services = options.services
    this.rates = options.rates
    this.#current = grantsOf(options.profile)
    this.#piscina = new Piscina({
      filename: options.files.entry,
      name: 'serveFlow',
      minThreads: limits.threads,
      maxThreads: limits.threads,
      idleTimeout: Number.POSITIVE_INFINITY,
      maxQueue: maxQueued,
      concurrentTasksPerWorker: limits.flowsPerThread,
      // a thread full of sockets must not sleep in Atomics.wait between tasks
      atomics: 'disabled',
      recordTiming: false,
      env: {},
      execArgv: workerFlags(options.files.readable),
      resourceLimits: { maxOldGenerationSizeMb: limits.heapMb, maxYoungGenerationSizeMb: 96, stackSizeMb: 4 },
    })
    this.#piscina.on('message', (message: unknown) => this.#hello(message))
    this.#piscina.on('workerCreate', () => this.#look())
    // a thread that fails without a flow on it; its own events say more
    this.#piscina.on('error', () => undefined)
    this.#look()
  }

  get profile(): Profile {
    return this.#current.profile
  }

  /** Flows handed over and not yet reported. */
  get live(): number {
    return this.#handoffs.size - this.#ended.length
  }

  get hasRoom(): boolean {
    const { threads, flowsPerThread } = this.profile.limits
    return !this.#isDestroyed && this.live < threads * flowsPerThread
  }

  threads(): Iterable<PoolThread> {
    return this.#threads.values()
  }

  /** Serves one flow; never rejects. Owns the descriptor from here on. */
  async run(task: FlowTask): Promise<FlowReport> {
    const handoff = new Handoff(task)
    if (!this.hasRoom) {
      handoff.giveUp()
      return handoff.report(null, new ClawError('CP_LIMIT', `profile "${this.name}" has no room for another flow`))
    }
    this.#handoffs.set(task.flow.id, handoff)
    let report: FlowReport
    try {
      // no signal: an abortable task would have its thread for itself
      const running = this.#piscina.run(task) as Promise<FlowReport>
      this.#look()
      report = handoff.report(await running, null)
      this.#ended.push(handoff)
    } catch (error) {
      await this.#lostThreads()
      handoff.threadsGone()
      this.#handoffs.delete(task.flow.id)
      report = handoff.report(null, error)
    }
    return report
  }

  cancel(flow: FlowId, because: string): void {
    this.#handoffs.get(flow)?.cancel(because)
  }

  cancelAll(because: string): void {
    for (const handoff of this.#handoffs.values()) handoff.cancel(because)
  }

  /** Sends a new revision to every thread. */
  update(profile: Profile): void {
    this.#previous = this.#current
    this.#current = grantsOf(profile)
    this.broadcast({ kind: 'profile', profile })
  }

  broadcast(message: Control): void {
    for (const { host } of this.#threads.values()) host?.post(message)
  }

  /** Ends one thread with its flows; Piscina starts another. */
  end(thread: PoolThread, kind: 'stuck' | 'bloated', message: string): void {
    if (thread.isEnding) return
    thread.isEnding = true
    this.#fault(kind, thread.host, null, message)
    void thread.worker.terminate()
  }

  /** What had to wait until every message of the threads was read: call it once all answered a ping sent after `mark`. */
  settle(mark: readonly Handoff[]): void {
    for (const handoff of mark) {
      handoff.settle()
      this.#handoffs.delete(handoff.task.flow.id)
    }
    const settled = new Set(mark)
    this.#ended = this.#ended.filter((handoff) => !settled.has(handoff))
  }

  /** Flows that are over and not settled. */
  mark(): readonly Handoff[] {
    return [...this.#ended]
  }

  /** Ends every thread; resolves when they are gone. */
  async destroy(): Promise<void> {
    this.#isDestroyed = true
    this.#look()
    const gone = Promise.all([...this.#threads.keys()].map(exitOf))
    await this.#piscina.destroy()
    await gone
    for (const handoff of this.#ended) handoff.threadsGone()
    this.#ended = []
  }

  grants(): readonly Grants[] {
    return this.#previous === null ? [this.#current] : [this.#current, this.#previous]
  }

  taskOn(thread: ThreadHost, flow: FlowId): FlowTask | null {
    const handoff = this.#handoffs.get(flow)
    return handoff !== undefined && handoff.thread === thread ? handoff.task : null
  }

  started(thread: ThreadHost, flow: FlowId): boolean {
    const handoff = this.#handoffs.get(flow)
    if (handoff === undefined || handoff.thread !== null) return false
    handoff.started(thread)
    return true
  }

  violated(thread: ThreadHost, flow: FlowId | null, what: string): void {
    const handoff = flow === null ? undefined : this.#handoffs.get(flow)
    const message = `a worker of profile "${this.name}" ${what}`
    this.#fault('violation', thread, flow, message)
    this.#violations += 1
    if (handoff === undefined || this.#violations > maxViolations) {
      // nothing it says can be told apart any more
      const [found] = [...this.#threads.values()].filter(({ host }) => host === thread)
      void found?.worker.terminate()
      return
    }
    handoff.fail({ code: 'CP_FORBIDDEN', message })
    recordViolation(this.services, handoff.task.flow, message)
  }

  /** Notes threads that Piscina has made since, and hears of their end. */
  #look(): void {
    for (const worker of this.#piscina.threads) {
      if (this.#threads.has(worker)) continue
      const thread: PoolThread = { worker, since: performance.now(), host: null, isEnding: false }
      this.#threads.set(worker, thread)
      worker.once('error', (error: unknown) => {
        this.#fault(thread.host === null ? 'boot' : 'crashed', thread.host, null, textOf(error))
        // Piscina would start it again and again
        if (thread.host === null) this.#options.onBroken()
      })
      worker.once('exit', () => {
        this.#threads.delete(worker)
        thread.host?.gone('the worker thread ended')
        if (!this.#isDestroyed && this.#piscina.threads.length === 0) this.#options.onBroken()
      })
    }
  }

  #hello(message: unknown): void {
    this.#look()
    const { kind, threadId, port, records } = (message ?? {}) as { readonly [name: string]: unknown }
    const thread = [...this.#threads.values()].find(({ worker }) => worker.threadId === threadId)
    if (kind !== 'clawpatrol.hello' || !(port instanceof MessagePort)) return
    if (thread === undefined || thread.host !== null || !isRecordMemory(records)) {
      port.close()
      this.#fault('violation', thread?.host ?? null, null, 'a worker announced itself twice, or with something else')
      return
    }
    thread.host = new ThreadHost({ port, records }, thread.worker.threadId, this)
  }

  /** Resolves when the threads Piscina has let go of have really ended. */
  async #lostThreads(): Promise<void> {
    const kept = new Set<Worker>(this.#isDestroyed ? [] : this.#piscina.threads)
    await Promise.all([...this.#threads.keys()].filter((worker) => !kept.has(worker)).map(exitOf))
  }

  #fault(kind: PoolFault['kind'], thread: ThreadHost | null, flow: FlowId | null, message: string): void {
    this.#options.onFault({ kind, profile: this.name, thread: thread?.threadId ?? -1, flow, message })
  }
}

function exitOf(worker: Worker): Promise<void> {
  // -1: it has ended already
  if (worker.threadId === -1) return Promise.resolve()
  return new Promise((resolve) => worker.once('exit', () => resolve()))
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
