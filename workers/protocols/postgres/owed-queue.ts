import type { Outcome, Owed, Sent } from './owed.ts'
import { Tally } from './tally.ts'

/** What is owed for a message, with what was answered of it. */
export type Pending = Owed & {
  /** Index of the statement that runs. */
  next?: number
  /** The last tag. */
  tag?: string
  /** What the statement that runs gave, and names of its columns. */
  tally?: Tally | null
  names?: readonly string[] | null
  /** Of a query that gave too much and was done before it could be stopped: what the agent is told. */
  spent?: { readonly done: Buffer; readonly stopped: Buffer }
}

/** program_limit_exceeded */
const limitExceeded = '54000'

/** Messages that were sent and not answered, in order. */
export class OwedQueue {
  #owed: Pending[] = []
  #head = 0

  get length(): number {
    return this.#owed.length - this.#head
  }

  /** The one to be answered next. */
  get first(): Pending | null {
    while (this.#owed[this.#head]?.kind === 'copyEnd') this.shift()
    return this.#owed[this.#head] ?? null
  }

  /** The one the server answers last. */
  get last(): Pending | null {
    const at = this.#owed.findLastIndex(({ kind }) => kind !== 'copyEnd')
    return at < this.#head ? null : (this.#owed[at] ?? null)
  }

  push(...owed: readonly Owed[]): void {
    this.#owed.push(...owed)
  }

  shift(): void {
    this.#head += 1
    // moving the rest for each would cost more than keeping what is done for a while
    if (this.#head < 256 && this.#head < this.#owed.length) return
    this.#owed.splice(0, this.#head)
    this.#head = 0
  }

  /** Drops the Syncs a server ignores while it takes data; how many, and whether that data has an end. */
  dropIgnoredSyncs(): { readonly dropped: number; readonly hasEnd: boolean } {
    const end = this.#owed.findIndex(({ kind }, index) => index >= this.#head && kind === 'copyEnd')
    const until = end === -1 ? this.#owed.length : end
    const isIgnored = (index: number) => index > this.#head && index < until && this.#owed[index]?.kind === 'sync'
    const before = this.#owed.length
    this.#owed = this.#owed.filter((_, index) => !isIgnored(index))
    return { dropped: before - this.#owed.length, hasEnd: end !== -1 }
  }
}

/** What the statement that runs is counted with. */
export function tallyOf(owed: Pending): Tally {
  const { limit = null, given = null } = owed.statements[owed.next ?? 0] ?? {}
  owed.tally ??= new Tally(limit?.limits, given)
  return owed.tally
}

/** What the statement that runs gave; it is over now. */
export function takeGiven(owed: Pending, statement: Sent | undefined): Pick<Outcome, 'rows' | 'columns'> {
  const { tally = null, names = null } = owed
  owed.tally = null
  owed.names = null
  if (tally !== null && statement?.given != null) {
    statement.given.rows += tally.rows
    statement.given.bytes += tally.bytes
  }
  return { rows: tally?.rows ?? 0, columns: names }
}

/** Closes the statement that runs: it gave more than it may. */
export function closeCut(owed: Pending, statement: Sent): void {
  const { bytes: bytesDown = 0, over = 'rows' } = owed.tally ?? {}
  const error = `ended by clawpatrol: it gave more ${over} than the rule allows`
  const given = takeGiven(owed, statement)
  statement.undo?.()
  statement.close?.({ status: limitExceeded, error, copiedIn: 0, bytesDown, ...given })
}

/** Closes the statements that did not run to their end, the last first. */
export function closeRest(owed: Pending, outcome: Outcome): void {
  const rest = owed.statements.slice(owed.next ?? 0)
  owed.next = owed.statements.length
  for (const statement of rest.reverse()) {
    statement.undo?.()
    statement.close?.(outcome)
  }
}

/** Closes what was not answered. */
export function abandon(owed: Pending, outcome: Outcome): void {
  closeRest(owed, outcome)
  owed.settled?.(false)
}
