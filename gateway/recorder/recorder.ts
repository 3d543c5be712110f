import type { ActionEvent } from '../../workers/contract/action.ts'
import { ClawError } from '../../workers/contract/errors.ts'
import type { Flow } from '../../workers/contract/flow.ts'
import type { ActionId } from '../../workers/contract/ids.ts'
import { type ActionWriter, actionWriterOf } from '../store/action-writer.ts'
import type { Database } from '../store/database.ts'
import { type StoreTrouble, storeTrouble } from '../store/store-fault.ts'
import { Batch, type OpenAction } from './batch.ts'
import { Checkpointer } from './checkpoint.ts'
import { Drafts } from './drafts.ts'
import { RecorderHealth } from './health.ts'
import type { Live } from './live.ts'
import { buildRedactor, type Redactor } from './redact.ts'

/** What a recorder is made of. */
export interface RecorderOptions {
  readonly database: Database
  /** Asked for each batch, so that a changed secret is redacted from then on. */
  readonly redactor?: () => Redactor
  /** Told of every action that has ended. */
  readonly live?: Live
  /** Longest sample kept, bytes. */
  readonly sampleBytes?: number
  /** An event that no database would take, which is given up. */
  readonly onRejected?: (error: unknown) => void
}

/** How a recorder is doing. */
export interface RecorderStats {
  readonly queued: number
  readonly open: number
  readonly written: number
  readonly merged: number
  readonly rejected: number
  readonly orphans: number
  readonly cutFrames: number
  readonly batches: number
  readonly longestBatchMs: number
  readonly trouble: StoreTrouble | null
}

interface Item {
  readonly event: ActionEvent
  readonly flow: Flow | null
  readonly call: Call
}

/** One `record` call; settles when its last event does. */
interface Call {
  waiting: number
  bytes: number
  error: ClawError | null
  readonly resolve: () => void
  readonly reject: (error: ClawError) => void
}

/** How long events may wait, so that an action's begin and end become one INSERT and many share a transaction, ms. */
const gatherMs = 10
/** How long one batch should hold the event loop, ms. */
const batchMs = 2
const smallestBatch = 16
const largestBatch = 2048
/** Above this many events nobody waits for company: write. */
const gatherEvents = 512
/** Events and sample bytes that may wait; a caller that goes on regardless is turned away. */
const mostEvents = 131_072
const mostBytes = 256 * 1024 * 1024
/** From this many events on checkpoints have a thread of their own: a small gateway does without. */
const busyEvents = 20_000

/**
 * Writes what workers report: one short transaction per turn of the event loop, in order, nothing dropped.
 * While the database cannot be written, events wait, `healthy` is false and whoever asks must deny.
 * Owns a connection of its own, its timer and, once it is busy, a thread for checkpoints.
 */
export class Recorder implements AsyncDisposable {
  readonly #database: Database
  readonly #writer: ActionWriter
  readonly #options: RecorderOptions
  readonly #health = new RecorderHealth()
  readonly #open = new Map<ActionId, OpenAction>()
  readonly #drafts = new Drafts()
  readonly #none = buildRedactor([])
  #queue: Item[] = []
  #head = 0
  #bytes = 0
  #batchSize = 128
  #timer: NodeJS.Timeout | null = null
  /** When the timer fires, on the clock of `performance.now()`. */
  #dueAt = 0
  #immediate: NodeJS.Immediate | null = null
  #checkpointer: Checkpointer | null = null
  #isStopped = false
  #onIdle: (() => void) | null = null
  #counts = { written: 0, merged: 0, rejected: 0, orphans: 0, cutFrames: 0, batches: 0, longestBatchMs: 0 }

  constructor(options: RecorderOptions) {
    this.#options = options
    // no waiting for locks on the event loop: a busy database is tried again later
    this.#database = options.database.connect({ busyMs: 0 })
    this.#writer = actionWriterOf(this.#database)
  }

  /** Whether events are being written; while they are not, actions must be denied. */
  get healthy(): boolean {
    return this.#health.healthy && !this.#isStopped
  }

  /** Calls back whenever `healthy` changes. @returns how to stop that */
  onHealth(listener: (healthy: boolean) => void): () => void {
    return this.#health.onChange(listener)
  }

  stats(): RecorderStats {
    return { ...this.#counts, queued: this.#queued, open: this.#open.size, trouble: this.#health.trouble }
  }

  /** Ends what an earlier gateway left open. Call before the first flow. @returns how many actions */
  closeLeftOvers(at: number = Date.now()): number {
    return this.#writer.closeAll('the gateway ended before this did', at)
  }

  /**
   * Takes events of one flow (null: of none).
   * Resolves when all of them are committed; stays pending as long as that takes.
   * @throws ClawError CP_STORE for events no database would take, when stopped, and CP_LIMIT for a caller that does
   * not wait
   * @param withinMs how long they may be gathered before they are written: short for a caller that is held up by it
   */
  record(flow: Flow | null, events: readonly ActionEvent[], withinMs = gatherMs): Promise<void> {
    if (events.length === 0) return Promise.resolve()
    if (this.#isStopped) return Promise.reject(new ClawError('CP_STORE', 'Cannot record: the recorder is stopped'))
    const bytes = events.reduce((sum, event) => sum + sampleBytes(event), 0)
    if (this.#queued + events.length > mostEvents || this.#bytes + bytes > mostBytes) {
      this.#counts.rejected += events.length
      return Promise.reject(new ClawError('CP_LIMIT', `Cannot record: ${this.#queued} events wait already`))
    }
    return new Promise((resolve, reject) => {
      const call: Call = { waiting: events.length, bytes, error: null, resolve, reject }
      this.#bytes += bytes
      for (const event of events) this.#queue.push({ event, flow, call })
      this.#schedule(withinMs)
    })
  }

  /**
   * Writes what waits and closes.
   * @returns events that could not be written within the deadline
   */
  async stop(deadlineMs = 5000): Promise<number> {
    if (!this.#isStopped) {
      this.#isStopped = true
      if (this.#queued > 0) await this.#idle(deadlineMs)
    }
    const lost = this.#queued
    this.#cancel()
    const error = new ClawError('CP_STORE', 'Cannot record: the recorder stopped before the database could be written')
    for (const item of this.#queue.slice(this.#head)) this.#settle(item, error)
    this.#queue = []
    this.#head = 0
    await this.#checkpointer?.[Symbol.asyncDispose]()
    this.#database.close()
    return lost
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  get #queued(): number {
    return this.#queue.length - this.#head
  }

  #schedule(withinMs: number): void {
    if (this.#immediate !== null) return
    if (this.#health.healthy && (this.#queued >= gatherEvents || this.#isStopped)) {
      this.#cancel()
      this.#immediate = setImmediate(() => this.#flush())
      return
    }
    const due = performance.now() + withinMs
    if (this.#timer !== null && (!this.#health.healthy || this.#dueAt <= due)) return
    this.#cancel()
    this.#dueAt = due
    this.#timer = setTimeout(() => this.#flush(), withinMs)
  }

  #cancel(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    if (this.#immediate !== null) clearImmediate(this.#immediate)
    this.#timer = null
    this.#immediate = null
  }

  #flush(): void {
    this.#cancel()
    const items = this.#queue.slice(this.#head, this.#head + this.#batchSize)
    const begun = performance.now()
    try {
      this.#write(items)
    } catch (error) {
      this.#failed(items, error)
      return
    }
    const ms = performance.now() - begun
    this.#counts.longestBatchMs = Math.max(this.#counts.longestBatchMs, ms)
    this.#fit(items.length, ms)
    this.#taken(items, null)
    this.#health.succeeded()
    this.#next()
  }

  /** One transaction. @throws whatever SQLite says; then nothing is written */
  #write(items: readonly Item[]): void {
    const redactor = this.#options.redactor?.() ?? this.#none
    const batch = new Batch({
      writer: this.#writer,
      redactor,
      sampleBytes: this.#options.sampleBytes ?? 1024 * 1024,
      open: this.#open,
      drafts: this.#drafts,
    })
    this.#writer.begin()
    try {
      for (const { event, flow } of items) batch.add(event, flow)
      batch.write()
      this.#writer.commit()
    } catch (error) {
      this.#writer.rollback()
      throw error
    }
    const { inserted, updated, orphans, cutFrames, finished } = batch.committed((this.#options.live?.readers ?? 0) > 0)
    this.#counts.batches += 1
    this.#counts.written += items.length
    if (this.#counts.written >= busyEvents) this.#checkpointer ??= new Checkpointer(this.#database)
    this.#counts.merged += items.length - inserted - updated
    this.#counts.orphans += orphans
    this.#counts.cutFrames += cutFrames
    for (const view of finished) this.#options.live?.publish(view)
  }

  #failed(items: readonly Item[], error: unknown): void {
    if (storeTrouble(error) === 'other') this.#isolate(items, error)
    else this.#timer = setTimeout(() => this.#flush(), this.#health.failed(error))
  }

  /** Something in the batch can never be written: find it one by one, and give only that up. */
  #isolate(items: readonly Item[], error: unknown): void {
    const [first] = items
    if (first === undefined) return
    if (items.length > 1) {
      this.#batchSize = 1
      this.#next()
      return
    }
    this.#counts.rejected += 1
    this.#options.onRejected?.(error)
    this.#taken([first], new ClawError('CP_STORE', `Cannot record a ${first.event.kind} event`, { cause: error }))
    this.#next()
  }

  #taken(items: readonly Item[], error: ClawError | null): void {
    this.#head += items.length
    if (this.#head > 4096 && this.#head * 2 > this.#queue.length) {
      this.#queue = this.#queue.slice(this.#head)
      this.#head = 0
    }
    for (const item of items) this.#settle(item, error)
  }

  #settle({ call }: Item, error: ClawError | null): void {
    call.error ??= error
    call.waiting -= 1
    if (call.waiting > 0) return
    this.#bytes -= call.bytes
    if (call.error === null) call.resolve()
    else call.reject(call.error)
  }

  #fit(events: number, ms: number): void {
    if (events < this.#batchSize && ms < batchMs) return
    const wanted = Math.round(events * Math.min(2, batchMs / Math.max(ms, 0.1)))
    this.#batchSize = Math.max(smallestBatch, Math.min(largestBatch, wanted))
  }

  #next(): void {
    if (this.#queued > 0) this.#schedule(0)
    else {
      this.#queue = []
      this.#head = 0
      this.#onIdle?.()
    }
  }

  #idle(deadlineMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(done, deadlineMs)
      function done() {
        clearTimeout(timer)
        resolve()
      }
      this.#onIdle = done
      this.#cancel()
      this.#immediate = setImmediate(() => this.#flush())
    })
  }
}

function sampleBytes(event: ActionEvent): number {
  if (event.kind === 'frame') return event.sample.bytes.length
  if (event.kind !== 'closed') return 0
  return (event.request?.bytes.length ?? 0) + (event.response?.bytes.length ?? 0)
}
