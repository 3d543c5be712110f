import type { ActionEvent } from './contract/action.ts'
import { recordCredit } from './contract/messages.ts'
import { type Begin, RecordRing } from './record-ring.ts'

/** Events an action may add besides frames, for which it reserves room: its begin, a ruling, its end. */
export const perAction = 3
/** How long the end of an action that goes by message may wait for company, ms. Its begin never waits. */
const lazyMs = 5
const lazyEvents = 64
/** Actions that may wait for room at once; more are denied at once. */
const maxWaiting = 1024

/** What a recording tells main. */
export interface RecordingPort {
  /** Events that do not fit into the shared memory. */
  record(events: readonly ActionEvent[]): void
  /** There is something in the shared memory. */
  tell(): void
}

/**
 * The thread's way to the record: through memory it shares with main, or by message where that has no room; never more
 * than `recordCredit` events that are not yet written. An action reserves room for all its own events before it begins,
 * so that none is lost later. The begin of an action has left the thread when `put` returns.
 */
export class Recording {
  readonly ring = new RecordRing()
  readonly #port: RecordingPort
  readonly #waitMs: number
  #queue: ActionEvent[] = []
  #lazy: NodeJS.Timeout | null = null
  /** Messages sent with events in them, and events added in all, modulo 2^32. */
  #messages = 0
  #added = 0
  #reserved = 0
  #isOpen = true
  #isHealthy = true
  readonly #waiting = new Set<(hasRoom: boolean) => void>()
  /** Frames and refusals there was no room for. */
  dropped = 0

  /** @param waitMs how long an action may wait for room */
  constructor(port: RecordingPort, waitMs = 5000) {
    this.#port = port
    this.#waitMs = waitMs
  }

  /** Takes room for one action; false at once when the record cannot be written, or after waiting in vain. */
  reserve(): boolean | Promise<boolean> {
    if (this.#waiting.size === 0 && this.#take(perAction)) return true
    if (!this.#isOpen || !this.#isHealthy || this.#waiting.size >= maxWaiting) return false
    const answered = new Promise<boolean>((resolve) => {
      const answer = (hasRoom: boolean) => {
        clearTimeout(timer)
        this.#waiting.delete(answer)
        resolve(hasRoom)
      }
      const timer = setTimeout(answer, this.#waitMs, false)
      this.#waiting.add(answer)
    })
    this.ring.waits = true
    // room may have been made before main could know that somebody waits
    this.#admit()
    return answered
  }

  /** Adds an event of an action that reserved room. */
  put(event: ActionEvent): void {
    this.#reserved -= 1
    this.#add(event)
  }

  /** Like `put`, for the begin of an action that differs from an earlier one in id and time alone. */
  putLike(opened: Extract<ActionEvent, { kind: 'opened' }>, { id, at }: Begin): void {
    this.#reserved -= 1
    if (this.#isNext() && this.ring.leaveLike(opened, { id, at })) this.#left()
    else this.#add({ ...opened, action: { ...opened.action, id, at } })
  }

  /** Gives back what an action that is over did not use. */
  release(unused: number): void {
    this.#reserved -= unused
    if (this.#waiting.size > 0) this.#admit()
  }

  /** Adds events nothing was reserved for, if there is room for all of them. */
  offer(...events: readonly ActionEvent[]): boolean {
    if (!this.#isOpen || !this.#take(events.length)) {
      this.dropped += events.length
      return false
    }
    for (const event of events) this.put(event)
    return true
  }

  /** Sends what still waits for company. */
  flush(): void {
    if (this.#lazy !== null) clearTimeout(this.#lazy)
    this.#lazy = null
    const events = this.#queue
    if (!this.#isOpen || events.length === 0) return
    this.#queue = []
    this.#messages = (this.#messages + 1) >>> 0
    this.#port.record(events)
  }

  /** Main says that events were written. */
  written(): void {
    this.#admit()
  }

  setHealthy(isHealthy: boolean): void {
    this.#isHealthy = isHealthy
    if (!isHealthy) this.#refuseWaiting()
  }

  /** Main is gone: nothing can be recorded any more. */
  close(): void {
    this.#isOpen = false
    if (this.#lazy !== null) clearTimeout(this.#lazy)
    this.#queue = []
    this.#refuseWaiting()
  }

  #take(events: number): boolean {
    if (!this.#isOpen || !this.#isHealthy) return false
    // left behind by the thread and not yet written
    const outstanding = (this.#added - this.ring.written) >>> 0
    if (outstanding + this.#reserved + events > recordCredit) return false
    this.#reserved += events
    return true
  }

  #add(event: ActionEvent): void {
    if (!this.#isOpen) return
    if (this.#isNext() && this.ring.leave(event)) {
      this.#left()
      return
    }
    this.#added = (this.#added + 1) >>> 0
    this.#queue.push(event)
    // nobody waits for an end: it goes with the next begin, or by itself a little later
    if (event.kind === 'closed' && this.#queue.length < lazyEvents)
      this.#lazy ??= setTimeout(() => this.flush(), lazyMs)
    else this.flush()
  }

  /** Whether main has read everything that went by message: what comes later must not be there before. */
  #isNext(): boolean {
    return this.#isOpen && this.#queue.length === 0 && this.#messages === this.ring.messagesRead
  }

  #left(): void {
    this.#added = (this.#added + 1) >>> 0
    if (this.ring.mustTell()) this.#port.tell()
  }

  #admit(): void {
    for (const answer of this.#waiting) {
      if (!this.#take(perAction)) return
      answer(true)
    }
    this.ring.waits = false
  }

  #refuseWaiting(): void {
    for (const answer of this.#waiting) answer(false)
  }
}
