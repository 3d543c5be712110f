import { blob, integer, primaryKey, sqliteTable, text } from 'drizzle-orm/sqlite-core'

/** Encrypted records: secrets of credentials, and the gateway's own keys. */
export const sealed = sqliteTable(
  'sealed',
  {
    scope: text('scope', { enum: ['credential', 'gateway'] }).notNull(),
    name: text('name').notNull(),
    slot: text('slot').notNull(),
    /** The record's own key, sealed under the master key. */
    wrappedKey: blob('wrapped_key', { mode: 'buffer' }).notNull(),
    /** The value, sealed under the record's key. */
    value: blob('value', { mode: 'buffer' }).notNull(),
    updatedAt: integer('updated_at').notNull(),
  },
  (table) => [primaryKey({ columns: [table.scope, table.name, table.slot] })],
)
