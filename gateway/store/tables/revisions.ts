import { blob, index, integer, sqliteTable, text } from 'drizzle-orm/sqlite-core'

/** What became of the configuration over time: one row per policy that came into force, and per one that was refused. */
export const revisions = sqliteTable(
  'revisions',
  {
    seq: integer('seq').primaryKey({ autoIncrement: true }),
    /** Hash of the configuration's bytes. */
    revision: text('revision').notNull(),
    at: integer('at').notNull(),
    /** Who changed it, as far as the system knows. */
    who: text('who'),
    how: text('how', { enum: ['start', 'file', 'reload', 'rollback'] }).notNull(),
    outcome: text('outcome', { enum: ['applied', 'refused'] }).notNull(),
    /** Errors of one that was refused. */
    problems: integer('problems').notNull().default(0),
    /** The files, compressed and sealed; null: they are not kept. */
    files: blob('files', { mode: 'buffer' }),
  },
  (table) => [index('revisions_revision').on(table.revision, table.seq)],
)
