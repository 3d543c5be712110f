import type { ActionEvent } from './contract/action.ts'
import { recordCredit } from './contract/messages.ts'

/** Events an action may add besides frames: its begin, a ruling, its end. */
const perAction = 3
/** How long the end of an action may wait for company on its way to main, ms. Its begin never waits. */
const lazyMs = 5
const lazyEvents = 64
/** Actions that may wait for room at once; more are denied at once. */
const maxWaiting = 1024

/**
 * The thread's way to the record: one message per turn of the loop, never more than `recordCredit` events that are
 * not yet written. An action reserves room for all its own events before it begins, so that none is lost later.
 */
export class Recording {
  readonly #post: (events: readonly ActionEvent[]) => void
  readonly #waitMs: number
  #queue: ActionEvent[] = []
  #posting: Promise<void> | null = null
  #lazy: NodeJS.Timeout | null = null
  /** Queued or posted, and not yet written. */
  #outstanding = 0
  #reserved = 0
  #isOpen = true
  #isHealthy = true
  readonly #waiting = new Set<(hasRoom: boolean) => void>()
  /** Frames and refusals there was no room for. */
  dropped = 0

  /** @param waitMs how long an action may wait for room */
  constructor(post: (events: readonly ActionEvent[]) => void, waitMs = 5000) {
    this.#post = post
    this.#waitMs = waitMs
  }

  /** Takes room for one action; false at once when the record cannot be written, or after waiting in vain. */
  reserve(): boolean | Promise<boolean> {
    if (this.#waiting.size === 0 && this.#take(perAction)) return true
    if (!this.#isOpen || !this.#isHealthy || this.#waiting.size >= maxWaiting) return false
    return new Promise((resolve) => {
      const answer = (hasRoom: boolean) => {
        clearTimeout(timer)
        this.#waiting.delete(answer)
        resolve(hasRoom)
      }
      const timer = setTimeout(answer, this.#waitMs, false)
      this.#waiting.add(answer)
    })
  }

  /** Adds an event of an action that reserved room. */
  put(event: ActionEvent): void {
    this.#reserved -= 1
    this.#add(event)
  }

  /** Gives back what an action that is over did not use. */
  release(unused: number): void {
    this.#reserved -= unused
    this.#admit()
  }

  /** Adds an event nothing was reserved for, if there is room. */
  offer(event: ActionEvent): boolean {
    if (!this.#isOpen || !this.#take(1)) {
      this.dropped += 1
      return false
    }
    this.put(event)
    return true
  }

  /** Resolves when everything added so far has left the thread: its loss would no longer lose the events. */
  posted(): Promise<void> {
    if (this.#queue.length > 0) this.#sendSoon()
    return this.#posting ?? Promise.resolve()
  }

  /** So many events are written. */
  written(events: number): void {
    this.#outstanding -= events
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
    const hasRoom = this.#isOpen && this.#isHealthy && this.#outstanding + this.#reserved + events <= recordCredit
    if (hasRoom) this.#reserved += events
    return hasRoom
  }

  #add(event: ActionEvent): void {
    if (!this.#isOpen) return
    this.#outstanding += 1
    this.#queue.push(event)
    if (this.#posting !== null) return
    // nobody waits for an end: it goes with the next begin, or by itself a little later
    if (event.kind === 'closed' && this.#queue.length < lazyEvents)
      this.#lazy ??= setTimeout(() => this.#send(), lazyMs)
    else this.#sendSoon()
  }

  #sendSoon(): void {
    this.#posting ??= new Promise((resolve) => setImmediate(() => resolve(this.#send())))
  }

  #send(): void {
    if (this.#lazy !== null) clearTimeout(this.#lazy)
    this.#lazy = null
    this.#posting = null
    const events = this.#queue
    this.#queue = []
    if (this.#isOpen && events.length > 0) this.#post(events)
  }

  #admit(): void {
    for (const answer of this.#waiting) {
      if (!this.#take(perAction)) return
      answer(true)
    }
  }

  #refuseWaiting(): void {
    for (const answer of this.#waiting) answer(false)
  }
}
