import { index, integer, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core'
import { devices } from './devices.ts'

/** Nodes of the tailnet that are a device's own: itself, or one of its runs. */
export const tailnetNodes = sqliteTable(
  'tailnet_nodes',
  {
    /** As the control plane gives it; never given twice. */
    stableId: text('stable_id').primaryKey(),
    device: text('device')
      .notNull()
      .references(() => devices.id, { onDelete: 'cascade' }),
    address4: text('address4').notNull(),
    address6: text('address6'),
    /** Made for one run of a wrapped command. */
    ephemeral: integer('ephemeral', { mode: 'boolean' }).notNull(),
    run: text('run'),
    createdAt: integer('created_at').notNull(),
    lastSeenAt: integer('last_seen_at'),
  },
  (table) => [index('tailnet_nodes_device').on(table.device), uniqueIndex('tailnet_nodes_run').on(table.run)],
)

/** Auth keys minted for devices. The keys themselves are not kept; rows outlive their device until revoked. */
export const tailnetKeys = sqliteTable(
  'tailnet_keys',
  {
    /** As the API of the tailnet names it. */
    id: text('id').primaryKey(),
    device: text('device').notNull(),
    deviceName: text('device_name').notNull(),
    ephemeral: integer('ephemeral', { mode: 'boolean' }).notNull(),
    reusable: integer('reusable', { mode: 'boolean' }).notNull(),
    createdAt: integer('created_at').notNull(),
    expiresAt: integer('expires_at'),
    /** When it is to be worthless; null: in use. */
    revokeAt: integer('revoke_at'),
    revokedAt: integer('revoked_at'),
    /** Why revoking failed the last time. */
    revokeError: text('revoke_error'),
  },
  (table) => [index('tailnet_keys_device').on(table.device)],
)

/** Nodes that are no device's any more and have yet to leave the tailnet. */
export const tailnetRemovals = sqliteTable('tailnet_removals', {
  stableId: text('stable_id').primaryKey(),
  /** Whose node it was; it may be gone. */
  device: text('device').notNull(),
  since: integer('since').notNull(),
  /** Why removing it failed the last time. */
  error: text('error'),
})
