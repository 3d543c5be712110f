import { eq, sql } from 'drizzle-orm'
import type { DeviceId, EpochMs } from '../../workers/contract/ids.ts'
import type { Database } from './database.ts'
import { tailnetNodes as table } from './tables/index.ts'

/** A tailnet node that is a device's own. */
export interface TailnetNodeRow {
  readonly stableId: string
  readonly device: DeviceId
  readonly address4: string
  readonly address6: string | null
  /** Made for one run of a wrapped command. */
  readonly ephemeral: boolean
  readonly run: string | null
  readonly createdAt: EpochMs
  readonly lastSeenAt: EpochMs | null
}

/** What binds a node to a device. */
export type NewTailnetNode = Omit<TailnetNodeRow, 'createdAt' | 'lastSeenAt'>

/** Tailnet nodes on record. */
export interface TailnetNodes {
  /** @returns false when the node is another device's, or the run has a node already */
  bind(node: NewTailnetNode): boolean
  get(stableId: string): TailnetNodeRow | null
  byRun(run: string): TailnetNodeRow | null
  /** Oldest first. */
  list(): readonly TailnetNodeRow[]
  listOf(device: DeviceId): readonly TailnetNodeRow[]
  /** @returns false when there is no such node */
  remove(stableId: string): boolean
}

/** The node table's queries. */
export function nodesOf(database: Database, now: () => number = Date.now): TailnetNodes {
  const { orm } = database
  const byId = orm
    .select()
    .from(table)
    .where(eq(table.stableId, sql.placeholder('stableId')))
    .prepare()
  const get = (stableId: string) => (byId.get({ stableId }) as TailnetNodeRow | undefined) ?? null
  const byRun = (run: string) =>
    (orm.select().from(table).where(eq(table.run, run)).get() as TailnetNodeRow | undefined) ?? null
  return {
    bind: (node) =>
      orm.transaction(() => {
        const before = get(node.stableId)
        if (before !== null && before.device !== node.device) return false
        const ofRun = node.run === null ? null : byRun(node.run)
        if (ofRun !== null && ofRun.stableId !== node.stableId) return false
        const row = { ...node, createdAt: before?.createdAt ?? now(), lastSeenAt: now() }
        orm.insert(table).values(row).onConflictDoUpdate({ target: table.stableId, set: row }).run()
        return true
      }),
    get,
    byRun,
    list: () => orm.select().from(table).orderBy(table.createdAt, table.stableId).all() as TailnetNodeRow[],
    listOf: (device) =>
      orm.select().from(table).where(eq(table.device, device)).orderBy(table.createdAt).all() as TailnetNodeRow[],
    remove: (stableId) => orm.delete(table).where(eq(table.stableId, stableId)).run().changes > 0,
  }
}
