import { eq, inArray } from 'drizzle-orm'
import type { DeviceId, EpochMs } from '../../workers/contract/ids.ts'
import type { Database } from './database.ts'
import { tailnetNodes as nodes, tailnetRemovals as table } from './tables/index.ts'

/** A node that has yet to leave the tailnet. */
export interface TailnetRemoval {
  readonly stableId: string
  readonly device: DeviceId
  readonly since: EpochMs
  /** Why removing it failed the last time. */
  readonly error: string | null
}

/** Nodes on their way out. */
export interface TailnetRemovals {
  /** The device's nodes are nobody's from now on. @returns their stable ids */
  moveAllOf(device: DeviceId): readonly string[]
  /** The same for one node. @returns false when it is nobody's */
  move(stableId: string): boolean
  /** Oldest first; not those that were bound to a device again. */
  list(): readonly TailnetRemoval[]
  forget(stableId: string): void
  noteFailure(stableId: string, why: string): void
}

/** The removal table's queries. */
export function removalsOf({ orm }: Database, now: () => number = Date.now): TailnetRemovals {
  const move = (rows: readonly { readonly stableId: string; readonly device: string }[]): readonly string[] => {
    const ids = rows.map(({ stableId }) => stableId)
    if (rows.length === 0) return ids
    const since = now()
    orm
      .insert(table)
      .values(rows.map(({ stableId, device }) => ({ stableId, device, since, error: null })))
      .onConflictDoNothing()
      .run()
    orm.delete(nodes).where(inArray(nodes.stableId, ids)).run()
    return ids
  }
  return {
    moveAllOf: (device) =>
      orm.transaction(() => move(orm.select().from(nodes).where(eq(nodes.device, device)).all()), {
        behavior: 'immediate',
      }),
    move: (stableId) =>
      orm.transaction(() => move(orm.select().from(nodes).where(eq(nodes.stableId, stableId)).all()).length > 0, {
        behavior: 'immediate',
      }),
    list: () =>
      orm.transaction(() => {
        const bound = orm.select({ stableId: nodes.stableId }).from(nodes)
        orm.delete(table).where(inArray(table.stableId, bound)).run()
        return orm.select().from(table).orderBy(table.since, table.stableId).all() as TailnetRemoval[]
      }),
    forget: (stableId) => void orm.delete(table).where(eq(table.stableId, stableId)).run(),
    noteFailure: (stableId, why) =>
      void orm.update(table).set({ error: why }).where(eq(table.stableId, stableId)).run(),
  }
}
