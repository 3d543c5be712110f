import { index, integer, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core'

/** Machines an operator let in. */
export const devices = sqliteTable(
  'devices',
  {
    id: text('id').primaryKey(),
    name: text('name').notNull(),
    /** null: the policy's default profile. */
    profile: text('profile'),
    transport: text('transport', { enum: ['wireguard', 'tailnet'] }).notNull(),
    approvedBy: text('approved_by').notNull(),
    approvedAt: integer('approved_at').notNull(),
    blocked: integer('blocked', { mode: 'boolean' }).notNull().default(false),
    createdAt: integer('created_at').notNull(),
    lastSeenAt: integer('last_seen_at'),
    /** Where it joined from, or was seen first since it was let in again. */
    external4: text('external4'),
    external6: text('external6'),
    /** The machine itself goes through the gateway, not only what it wraps. */
    wholeMachine: integer('whole_machine', { mode: 'boolean' }).notNull().default(false),
    /** null: as the policy says. */
    pin: text('pin', { enum: ['off', 'warn', 'enforce'] }),
    /** null: it is not blocked, or an operator did it. */
    blockedReason: text('blocked_reason'),
  },
  (table) => [index('devices_name').on(table.name)],
)

/** WireGuard peers: one of each device, and one for each of its runs. */
export const wgPeers = sqliteTable(
  'wg_peers',
  {
    /** Base64, as WireGuard prints it. */
    publicKey: text('public_key').primaryKey(),
    device: text('device')
      .notNull()
      .references(() => devices.id, { onDelete: 'cascade' }),
    /** IPv4 address as a number, for finding free ones. */
    host: integer('host').notNull(),
    address4: text('address4').notNull(),
    address6: text('address6').notNull(),
    ephemeral: integer('ephemeral', { mode: 'boolean' }).notNull(),
    /** Which run of a wrapped command it is for. */
    run: text('run'),
    createdAt: integer('created_at').notNull(),
    lastSeenAt: integer('last_seen_at'),
  },
  (table) => [
    uniqueIndex('wg_peers_host').on(table.host),
    uniqueIndex('wg_peers_address4').on(table.address4),
    uniqueIndex('wg_peers_address6').on(table.address6),
    index('wg_peers_device').on(table.device),
    uniqueIndex('wg_peers_run').on(table.run),
  ],
)

/** What devices show to the management API. Only hashes are kept. */
export const tokens = sqliteTable(
  'tokens',
  {
    /** SHA-256 of the token, hex. */
    hash: text('hash').primaryKey(),
    device: text('device')
      .notNull()
      .references(() => devices.id, { onDelete: 'cascade' }),
    createdAt: integer('created_at').notNull(),
    lastUsedAt: integer('last_used_at'),
  },
  (table) => [index('tokens_device').on(table.device)],
)
