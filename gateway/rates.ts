import { ClawError } from '../workers/contract/errors.ts'
import type { DeviceId, ProfileName } from '../workers/contract/ids.ts'
import { type RateReading, rateLockMs } from '../workers/contract/messages.ts'
import type { RateCounter } from '../workers/contract/verdict.ts'
import { rateKey } from '../workers/rules/rates.ts'
import { RoundRobin } from './round-robin.ts'
import { SlidingCount } from './sliding-count.ts'

/** Whose actions are counted. */
export interface Counted {
  readonly device: DeviceId
  readonly profile: ProfileName
}

/** How much the counters may hold and wait. */
export interface RateLimits {
  readonly mostCounters: number
  /** Readings of one device that may wait for one counter. */
  readonly mostWaiting: number
  /** How long a reading may wait for others, ms; a worker gives up a little later. */
  readonly waitMs: number
  /** How long a reading may stay unsettled, ms. */
  readonly lockMs: number
  /** A clock that never goes back, ms. */
  readonly now: () => number
}

const defaults: RateLimits = {
  mostCounters: 10_000,
  mostWaiting: 512,
  waitMs: 4000,
  lockMs: rateLockMs,
  now: () => performance.now(),
}

interface Cell {
  readonly key: string
  readonly count: SlidingCount
  owner: Claim | null
  /** By device: none keeps the others waiting by waiting often. */
  readonly queue: RoundRobin<DeviceId, Claim>
}

/** A reading on its way: it takes its counters one after the other in the order of their keys, so none waits in a ring. */
interface Claim {
  readonly ticket: number
  readonly holder: object
  readonly device: DeviceId
  /** One per counter asked for; null: there was no room for it. */
  readonly cells: readonly (Cell | null)[]
  readonly order: readonly Cell[]
  /** How many of `order` it has. */
  has: number
  timer: NodeJS.Timeout
  readonly grant: () => void
  readonly refuse: (error: ClawError) => void
}

/**
 * The counters behind `rate()`, for all workers of the gateway. Who reads one has it alone until it says whether its
 * action counts, so that of any number of actions at once exactly so many pass as the rules let. In memory: a restart
 * starts from zero.
 */
export class Rates implements Disposable {
  readonly #limits: RateLimits
  readonly #cells = new Map<string, Cell>()
  readonly #claims = new Map<number, Claim>()
  #nextTicket = 1

  constructor(limits: Partial<RateLimits> = {}) {
    this.#limits = { ...defaults, ...limits }
  }

  /** Counters that are held in memory. */
  get size(): number {
    return this.#cells.size
  }

  /**
   * Reads counters and keeps others from reading them until `settle`.
   * @param holder on whose end the reading ends
   * @throws ClawError CP_TIMEOUT when others have them for too long, CP_LIMIT when too many wait, CP_CANCELLED
   */
  read(counters: readonly RateCounter[], whose: Counted, holder: object): Promise<RateReading> {
    const cells = counters.map((counter) => this.#cellOf(counter, whose))
    const order = [...new Set(cells.filter((cell) => cell !== null))].sort((a, b) => (a.key < b.key ? -1 : 1))
    return new Promise((resolve, reject) => {
      const ticket = this.#nextTicket++
      const claim: Claim = {
        ticket,
        holder,
        device: whose.device,
        cells,
        order,
        has: 0,
        timer: setTimeout(() => this.#giveUp(claim, 'CP_TIMEOUT', 'the counters are in use'), this.#limits.waitMs),
        grant: () => {
          clearTimeout(claim.timer)
          // what was read and is not settled in time counts
          claim.timer = setTimeout(() => this.#end(claim, () => true), this.#limits.lockMs)
          const at = this.#limits.now()
          resolve({ ticket, counts: cells.map((cell) => (cell === null ? -1 : cell.count.at(at))) })
        },
        refuse: reject,
      }
      this.#claims.set(ticket, claim)
      this.#advance(claim)
    })
  }

  /** Ends a reading: `counted[i]` tells whether its action counts for counter i. Late answers are too late. */
  settle(holder: object, ticket: number, counted: readonly boolean[]): void {
    const claim = this.#claims.get(ticket)
    if (claim === undefined || claim.holder !== holder || claim.has < claim.order.length) return
    // only a plain `false` gives a place back
    this.#end(claim, (index) => counted[index] !== false)
  }

  /** The holder is gone: what it had read counts, what it waits for it no longer waits for. */
  release(holder: object): void {
    const its = [...this.#claims.values()].filter((claim) => claim.holder === holder)
    const isWaiting = (claim: Claim) => claim.has < claim.order.length
    // first, or what it had would be passed on to itself
    for (const claim of its.filter(isWaiting)) this.#giveUp(claim, 'CP_CANCELLED', 'its reader is gone')
    for (const claim of its) if (this.#claims.has(claim.ticket)) this.#end(claim, () => true)
  }

  [Symbol.dispose](): void {
    for (const claim of [...this.#claims.values()]) this.release(claim.holder)
    this.#cells.clear()
  }

  #cellOf(counter: RateCounter, { device, profile }: Counted): Cell | null {
    const key = JSON.stringify([counter.per === 'device' ? device : profile, rateKey(counter)])
    const known = this.#cells.get(key)
    if (known !== undefined) return known
    if (this.#cells.size >= this.#limits.mostCounters) this.#sweep()
    if (this.#cells.size >= this.#limits.mostCounters) return null
    const cell: Cell = {
      key,
      count: new SlidingCount(counter.windowMs),
      owner: null,
      queue: new RoundRobin(this.#limits.mostWaiting),
    }
    this.#cells.set(key, cell)
    return cell
  }

  /** Forgets counters that stand at zero and that nobody reads. */
  #sweep(): void {
    const at = this.#limits.now()
    for (const [key, { owner, count }] of this.#cells) if (owner === null && count.at(at) === 0) this.#cells.delete(key)
  }

  #advance(claim: Claim): void {
    for (;;) {
      const cell = claim.order[claim.has]
      if (cell === undefined) {
        claim.grant()
        return
      }
      if (cell.owner !== null) {
        if (!cell.queue.push(claim.device, claim))
          this.#giveUp(claim, 'CP_LIMIT', `${this.#limits.mostWaiting} readers of the device wait already`)
        return
      }
      cell.owner = claim
      claim.has += 1
    }
  }

  #giveUp(claim: Claim, code: 'CP_TIMEOUT' | 'CP_LIMIT' | 'CP_CANCELLED', why: string): void {
    this.#forget(claim)
    claim.refuse(new ClawError(code, `Cannot read the counters of rate(): ${why}`))
  }

  #end(claim: Claim, isCounted: (index: number) => boolean): void {
    const at = this.#limits.now()
    claim.cells.forEach((cell, index) => {
      if (cell !== null && claim.cells.indexOf(cell) === index && isCounted(index)) cell.count.add(at)
    })
    this.#forget(claim)
  }

  #forget(claim: Claim): void {
    clearTimeout(claim.timer)
    this.#claims.delete(claim.ticket)
    claim.order[claim.has]?.queue.remove(claim.device, claim)
    for (const cell of claim.order.slice(0, claim.has)) this.#pass(cell)
  }

  #pass(cell: Cell): void {
    const next = cell.queue.shift()
    cell.owner = next
    if (next === null) return
    next.has += 1
    this.#advance(next)
  }
}
