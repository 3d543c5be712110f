import { setTimeout as wait } from 'node:timers/promises'
import type { ActionView } from '../store/action-view.ts'
import type { ActionFilter, Actions } from '../store/actions.ts'

/** How to follow the record. */
export interface FollowOptions {
  /** Ends it, within one `pollMs`. */
  readonly signal: AbortSignal
  /** `seq` of the last record the reader has; records that were open then are told at their end. */
  readonly after: number
  readonly open?: readonly number[]
  readonly pollMs?: number
  /** An action that takes longer is told twice: while it is open and at its end. */
  readonly patienceMs?: number
}

const page = 500
/** Open actions looked after; beyond it the oldest are told while open and then forgotten. */
const mostOpen = 10_000

/** New records as they end, read from the database, whichever process writes it. */
export async function* follow(
  actions: Pick<Actions, 'list' | 'bySeq'>,
  filter: Omit<ActionFilter, 'after' | 'limit'>,
  { signal, after, open = [], pollMs = 200, patienceMs = 1000 }: FollowOptions,
): AsyncGenerator<ActionView> {
  // since when an action is waited for; null: told already while it was open
  const waiting = new Map<number, number | null>(open.map((seq) => [seq, null]))
  let last = after
  while (!signal.aborted) {
    const rows = actions.list({ ...filter, after: last, limit: page })
    for (const row of rows) {
      last = row.seq
      if (row.status !== null) yield row
      else waiting.set(row.seq, performance.now())
    }
    for (const [seq, since] of waiting) {
      const row = actions.bySeq(seq)
      if (row === null) waiting.delete(seq)
      else if (row.status !== null) {
        waiting.delete(seq)
        yield row
      } else if (since !== null && performance.now() - since >= patienceMs) {
        waiting.set(seq, null)
        yield row
      } else if (waiting.size > mostOpen) waiting.delete(seq)
    }
    if (rows.length < page) await wait(pollMs, undefined, { signal }).catch(() => undefined)
  }
}
