import type { ActionRow } from './action-view.ts'
import type { Database } from './database.ts'

/** A row before it is written; the recorder fills it in as events come. */
export type ActionDraft = { -readonly [Column in Exclude<keyof ActionRow, 'seq'>]: ActionRow[Column] } & {
  /** Read only to judge the action again. */
  readonly described: string | null
}

/** A body or frame before it is written. */
export interface SampleDraft {
  readonly kind: 'request' | 'response' | 'frame-up' | 'frame-down'
  readonly bytes: Uint8Array
  readonly total: number
  readonly sha256: string | null
  readonly contentType: string | null
  readonly at: number
}

/** The hot path into the record: prepared statements, used inside one transaction per batch. */
export interface ActionWriter {
  begin(): void
  commit(): void
  /** Undoes the batch; never throws, the transaction may have ended by itself. */
  rollback(): void
  /** @returns the row's `seq` */
  insert(draft: ActionDraft): number
  /** Writes what changes after the beginning: ruling and end. */
  update(seq: number, draft: ActionDraft): void
  /** Ends an action whose beginning another gateway process wrote; @returns its `seq`, or null when there is none. */
  close(id: string, end: Pick<ActionDraft, 'status' | 'error' | 'bytesUp' | 'bytesDown' | 'closedAt'>): number | null
  sample(action: number, sample: SampleDraft): void
  /** Ends whatever is still open; @returns how many rows. */
  closeAll(error: string, at: number): number
}

/** Prepares the statements on a connection of the recorder's own. */
export function actionWriterOf({ sqlite }: Database): ActionWriter {
  const begin = sqlite.prepare('BEGIN IMMEDIATE')
  const commit = sqlite.prepare('COMMIT')
  const insert = sqlite.prepare(
    `INSERT INTO actions (id, flow, device, node, user, source, target, target_name, profile, endpoint, protocol,
       credential, title, facts, unknowns, verdict, decided_by, rule, cause, reason, shadows, described, status, error,
       bytes_up, bytes_down, opened_at, closed_at, duration_ms)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  )
  const update = sqlite.prepare(
    `UPDATE actions SET verdict = ?, decided_by = ?, rule = ?, cause = ?, reason = ?, status = ?, error = ?, bytes_up = ?,
       bytes_down = ?, closed_at = ?, duration_ms = ?, facts = ? WHERE seq = ?`,
  )
  const close = sqlite
    .prepare(
      `UPDATE actions SET status = @status, error = @error, bytes_up = @bytesUp, bytes_down = @bytesDown,
         closed_at = @closedAt, duration_ms = max(0, @closedAt - opened_at)
       WHERE id = @id AND closed_at IS NULL RETURNING seq`,
    )
    .pluck()
  const closeAll = sqlite.prepare(
    `UPDATE actions SET status = 'error', error = @error, closed_at = max(@at, opened_at),
       duration_ms = max(0, @at - opened_at) WHERE closed_at IS NULL`,
  )
  const sample = sqlite.prepare(
    'INSERT INTO samples (action, kind, bytes, total, sha256, content_type, at) VALUES (?, ?, ?, ?, ?, ?, ?)',
  )
  return {
    begin: () => void begin.run(),
    commit: () => void commit.run(),
    rollback() {
      // SQLite rolls back by itself when the disk is full
      if (sqlite.inTransaction) sqlite.exec('ROLLBACK')
    },
    insert: (d) =>
      Number(
        insert.run(
          d.id,
          d.flow,
          d.device,
          d.node,
          d.user,
          d.source,
          d.target,
          d.targetName,
          d.profile,
          d.endpoint,
          d.protocol,
          d.credential,
          d.title,
          d.facts,
          d.unknowns,
          d.verdict,
          d.decidedBy,
          d.rule,
          d.cause,
          d.reason,
          d.shadows,
          d.described,
          d.status,
          d.error,
          d.bytesUp,
          d.bytesDown,
          d.openedAt,
          d.closedAt,
          d.durationMs,
        ).lastInsertRowid,
      ),
    update: (seq, d) =>
      void update.run(
        d.verdict,
        d.decidedBy,
        d.rule,
        d.cause,
        d.reason,
        d.status,
        d.error,
        d.bytesUp,
        d.bytesDown,
        d.closedAt,
        d.durationMs,
        d.facts,
        seq,
      ),
    close: (id, end) => (close.get({ ...end, id }) as number | undefined) ?? null,
    sample: (action, s) => void sample.run(action, s.kind, s.bytes, s.total, s.sha256, s.contentType, s.at),
    closeAll: (error, at) => closeAll.run({ error, at }).changes,
  }
}
