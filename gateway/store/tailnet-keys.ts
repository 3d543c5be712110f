import { and, asc, eq, isNotNull, isNull, lt, lte, ne, or, sql } from 'drizzle-orm'
import type { DeviceId, EpochMs } from '../../workers/contract/ids.ts'
import type { Database } from './database.ts'
import { tailnetKeys as table } from './tables/index.ts'

/** An auth key made for a device; the key itself is not kept. */
export interface TailnetKeyRow {
  /** As the API of the tailnet names it. */
  readonly id: string
  readonly device: DeviceId
  readonly deviceName: string
  readonly ephemeral: boolean
  readonly reusable: boolean
  readonly createdAt: EpochMs
  readonly expiresAt: EpochMs | null
  /** When it is to be worthless; null: in use. */
  readonly revokeAt: EpochMs | null
  readonly revokedAt: EpochMs | null
  /** Why revoking failed the last time. */
  readonly revokeError: string | null
}

/** What is noted of a new key. */
export type NewTailnetKey = Omit<TailnetKeyRow, 'createdAt' | 'revokeAt' | 'revokedAt' | 'revokeError'>

/** Auth keys on record. */
export interface TailnetKeys {
  add(key: NewTailnetKey): void
  /** Oldest first. */
  listOf(device: DeviceId): readonly TailnetKeyRow[]
  /** The device's keys end then, unless they end sooner; `except` is left alone. */
  endOf(device: DeviceId, at: EpochMs, except?: string): void
  /** Keys whose time has come and that are not revoked yet. */
  due(): readonly TailnetKeyRow[]
  /** When the next key is to end; null: none is. */
  nextDue(): EpochMs | null
  noteRevoked(id: string): void
  noteFailure(id: string, why: string): void
  /** Forgets keys that have been worthless since before then. @returns how many */
  prune(before: EpochMs): number
}

/** The key table's queries. */
export function keysOf({ orm }: Database, now: () => number = Date.now): TailnetKeys {
  const isPending = and(isNotNull(table.revokeAt), isNull(table.revokedAt))
  return {
    add: (key) =>
      void orm
        .insert(table)
        .values({ ...key, createdAt: now() })
        .run(),
    listOf: (device) =>
      orm
        .select()
        .from(table)
        .where(eq(table.device, device))
        .orderBy(table.createdAt, table.id)
        .all() as TailnetKeyRow[],
    endOf: (device, at, except = '') =>
      void orm
        .update(table)
        .set({ revokeAt: sql`min(coalesce(${table.revokeAt}, ${at}), ${at})` })
        .where(and(eq(table.device, device), ne(table.id, except), isNull(table.revokedAt)))
        .run(),
    due: () =>
      orm
        .select()
        .from(table)
        .where(and(isPending, lte(table.revokeAt, now())))
        .orderBy(table.revokeAt, table.id)
        .all() as TailnetKeyRow[],
    nextDue: () => {
      const first = orm.select({ at: table.revokeAt }).from(table).where(isPending).orderBy(asc(table.revokeAt)).get()
      return (first?.at as EpochMs | null | undefined) ?? null
    },
    noteRevoked: (id) =>
      void orm.update(table).set({ revokedAt: now(), revokeError: null }).where(eq(table.id, id)).run(),
    noteFailure: (id, why) => void orm.update(table).set({ revokeError: why }).where(eq(table.id, id)).run(),
    prune: (before) =>
      orm
        .delete(table)
        .where(or(lt(table.revokedAt, before), and(lt(table.expiresAt, before), isNull(table.revokeAt))))
        .run().changes,
  }
}
