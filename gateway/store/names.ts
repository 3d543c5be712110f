import type { EpochMs } from '../../workers/contract/ids.ts'
import type { Database } from './database.ts'

/** A host name and the number its virtual addresses are made of. */
export interface NameAllocation {
  readonly id: number
  /** Lower case. */
  readonly hostname: string
  readonly allocatedAt: EpochMs
  /** Since when no policy needs it; null: in use. */
  readonly freedAt: EpochMs | null
}

/** Virtual addresses on record, so that they outlive a restart as long as answers may be cached. */
export interface Names {
  load(): readonly NameAllocation[]
  /** Writes all of them, in one transaction; a name that changes its number, or the reverse, replaces the old row. */
  save(allocations: readonly NameAllocation[]): void
  remove(ids: readonly number[]): void
}

/** The name table's queries. */
export function namesOf({ sqlite }: Database): Names {
  const all = sqlite.prepare(
    'SELECT id, hostname, allocated_at AS allocatedAt, freed_at AS freedAt FROM names ORDER BY id',
  )
  const put = sqlite.prepare(
    `INSERT OR REPLACE INTO names (id, hostname, allocated_at, freed_at)
     VALUES (@id, @hostname, @allocatedAt, @freedAt)`,
  )
  const drop = sqlite.prepare('DELETE FROM names WHERE id = ?')
  const save = sqlite.transaction((allocations: readonly NameAllocation[]) => {
    for (const allocation of allocations) put.run(allocation)
  })
  const remove = sqlite.transaction((ids: readonly number[]) => {
    for (const id of ids) drop.run(id)
  })
  return {
    load: () => all.all() as NameAllocation[],
    save: (allocations) => save.immediate(allocations),
    remove: (ids) => remove.immediate(ids),
  }
}
