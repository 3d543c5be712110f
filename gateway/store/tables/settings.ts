import { integer, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core'

/** Single values that are no secret. */
export const settings = sqliteTable('settings', {
  key: text('key').primaryKey(),
  value: text('value').notNull(),
  updatedAt: integer('updated_at').notNull(),
})

/** Totals that outlive the gateway. */
export const counters = sqliteTable('counters', {
  name: text('name').primaryKey(),
  value: integer('value').notNull(),
})

/** Virtual addresses given to host names. */
export const names = sqliteTable(
  'names',
  {
    /** Host part of the virtual addresses. */
    id: integer('id').primaryKey(),
    hostname: text('hostname').notNull(),
    allocatedAt: integer('allocated_at').notNull(),
    /** Since when no policy needs it; null: in use. */
    freedAt: integer('freed_at'),
  },
  (table) => [uniqueIndex('names_hostname').on(table.hostname)],
)
