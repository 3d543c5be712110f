import type { Database } from './database.ts'

/** Where a pass over old records stands; null: at its beginning. */
export interface ExpiryCursor {
  readonly openedAt: number
  readonly seq: number
}

/** What one batch of a pass did. */
export interface ExpiryBatch {
  readonly deleted: number
  /** null: the pass is over. */
  readonly next: ExpiryCursor | null
}

/** Deletes old records in batches small enough not to be felt. */
export interface Expiry {
  /**
   * Looks at the next records that began before `before` and deletes those that `isExpired` says so of.
   * Records under way are left alone.
   */
  batch(
    cursor: ExpiryCursor | null,
    before: number,
    isExpired: (openedAt: number, endpoint: string | null) => boolean,
  ): ExpiryBatch
}

const batchRows = 250

/** The expiry queries. */
export function expiryOf({ sqlite }: Database): Expiry {
  const next = sqlite.prepare(
    `SELECT seq, opened_at AS openedAt, endpoint, closed_at IS NULL AS isOpen FROM actions
     WHERE opened_at >= @openedAt AND opened_at < @before AND (opened_at > @openedAt OR seq > @seq)
     ORDER BY opened_at, seq LIMIT ${batchRows}`,
  )
  const drop = sqlite.prepare('DELETE FROM actions WHERE seq = ?')
  return {
    batch(cursor, before, isExpired) {
      const from = cursor ?? { openedAt: Number.MIN_SAFE_INTEGER, seq: 0 }
      const rows = next.all({ ...from, before }) as Candidate[]
      const expired = rows.filter(({ isOpen, openedAt, endpoint }) => isOpen === 0 && isExpired(openedAt, endpoint))
      const remove = sqlite.transaction(() => {
        for (const { seq } of expired) drop.run(seq)
      })
      if (expired.length > 0) remove.immediate()
      const last = rows.at(-1)
      return { deleted: expired.length, next: last === undefined || rows.length < batchRows ? null : last }
    },
  }
}

interface Candidate extends ExpiryCursor {
  readonly endpoint: string | null
  readonly isOpen: number
}
