import { sql } from 'drizzle-orm/sql'
import { blob, index, integer, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core'

/** One row per judged action, and per flow the gateway handled by itself. Only the recorder writes here. */
export const actions = sqliteTable(
  'actions',
  {
    /** Grows with every row and is never given twice: readers follow it. */
    seq: integer('seq').primaryKey({ autoIncrement: true }),
    id: text('id').notNull(),
    flow: text('flow').notNull(),
    /** The device's id; its row may be gone. */
    device: text('device'),
    /** The device's name when it happened. */
    node: text('node'),
    user: text('user'),
    /** Tunnel address and port the flow came from. */
    source: text('source'),
    /** Address and port it went to, and the host name behind it where known. */
    target: text('target'),
    targetName: text('target_name'),
    profile: text('profile'),
    endpoint: text('endpoint'),
    protocol: text('protocol').notNull(),
    credential: text('credential'),
    title: text('title').notNull(),
    facts: text('facts').notNull(),
    /** JSON list of unknowns; null: none. */
    unknowns: text('unknowns'),
    /** `ask` while approvers have not answered. */
    verdict: text('verdict', { enum: ['allow', 'deny', 'ask'] }).notNull(),
    decidedBy: text('decided_by', { enum: ['rule', 'default', 'failsafe'] }).notNull(),
    rule: text('rule'),
    /** Setting or failsafe cause, where no rule decided. */
    cause: text('cause'),
    reason: text('reason'),
    /** null while it is under way. */
    status: text('status'),
    error: text('error'),
    bytesUp: integer('bytes_up').notNull().default(0),
    bytesDown: integer('bytes_down').notNull().default(0),
    openedAt: integer('opened_at').notNull(),
    closedAt: integer('closed_at'),
    durationMs: integer('duration_ms'),
    /** JSON list of shadow rules that would have decided; null: none. */
    shadows: text('shadows'),
    /** JSON of the action as it can be judged again; null: it cannot. */
    described: text('described'),
  },
  (table) => [
    uniqueIndex('actions_id').on(table.id),
    index('actions_opened_at').on(table.openedAt),
    index('actions_device').on(table.device, table.seq),
    index('actions_endpoint').on(table.endpoint, table.seq),
    index('actions_denied').on(table.seq).where(sql`verdict = 'deny'`),
    index('actions_shadows').on(table.seq).where(sql`shadows IS NOT NULL`),
    index('actions_open').on(table.seq).where(sql`closed_at IS NULL`),
  ],
)

/** First bytes of bodies and frames. */
export const samples = sqliteTable(
  'samples',
  {
    id: integer('id').primaryKey(),
    action: integer('action')
      .notNull()
      .references(() => actions.seq, { onDelete: 'cascade' }),
    kind: text('kind', { enum: ['request', 'response', 'frame-up', 'frame-down'] }).notNull(),
    bytes: blob('bytes', { mode: 'buffer' }).notNull(),
    /** Length of the whole body or frame. */
    total: integer('total').notNull(),
    sha256: text('sha256'),
    contentType: text('content_type'),
    at: integer('at').notNull(),
  },
  (table) => [index('samples_action').on(table.action)],
)
