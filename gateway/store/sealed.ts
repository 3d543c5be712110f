import type { Database } from './database.ts'

/** Which sealed record: a slot of a credential, or a key of the gateway's own. */
export interface SealedId {
  readonly scope: 'credential' | 'gateway'
  readonly name: string
  /** The unnamed slot is `''`. */
  readonly slot: string
}

/** A record as the database holds it: unreadable without the master key. */
export interface SealedRow extends SealedId {
  readonly wrappedKey: Buffer
  readonly value: Buffer
  readonly updatedAt: number
}

/** Sealed records. Knows no key. */
export interface Sealed {
  get(id: SealedId): SealedRow | null
  /** By scope, name and slot. */
  list(): readonly SealedRow[]
  put(row: SealedRow): void
  /** Gives a record a newly wrapped key; its value stays as it is. */
  rewrap(id: SealedId, wrappedKey: Buffer): void
  /** @param slot null: all of them. @returns how many there were */
  remove(scope: SealedId['scope'], name: string, slot: string | null): number
  /** Runs `work` under the write lock, all of it or nothing. */
  atomically<T>(work: () => T): T
}

/** The sealed table's queries. */
export function sealedOf({ sqlite }: Database): Sealed {
  const columns = 'scope, name, slot, wrapped_key AS wrappedKey, value, updated_at AS updatedAt'
  const find = sqlite.prepare(`SELECT ${columns} FROM sealed WHERE scope = @scope AND name = @name AND slot = @slot`)
  const all = sqlite.prepare(`SELECT ${columns} FROM sealed ORDER BY scope, name, slot`)
  const put = sqlite.prepare(
    `INSERT OR REPLACE INTO sealed (scope, name, slot, wrapped_key, value, updated_at)
     VALUES (@scope, @name, @slot, @wrappedKey, @value, @updatedAt)`,
  )
  const rewrap = sqlite.prepare(
    'UPDATE sealed SET wrapped_key = @wrappedKey WHERE scope = @scope AND name = @name AND slot = @slot',
  )
  const drop = sqlite.prepare(
    'DELETE FROM sealed WHERE scope = @scope AND name = @name AND (@slot IS NULL OR slot = @slot)',
  )
  return {
    get: ({ scope, name, slot }) => (find.get({ scope, name, slot }) as SealedRow | undefined) ?? null,
    list: () => all.all() as SealedRow[],
    put: (row) => void put.run(row),
    rewrap: ({ scope, name, slot }, wrappedKey) => void rewrap.run({ scope, name, slot, wrappedKey }),
    remove: (scope, name, slot) => drop.run({ scope, name, slot }).changes,
    atomically: <T>(work: () => T) => sqlite.transaction(work).immediate(),
  }
}
