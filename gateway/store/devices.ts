import { eq, sql } from 'drizzle-orm'
import type { DeviceId, EpochMs, ProfileName } from '../../workers/contract/ids.ts'
import { newId } from '../../workers/contract/new-id.ts'
import type { PinMode, RegisteredPair } from '../onboarding/pinning.ts'
import type { Database } from './database.ts'
import { devices as table } from './tables/index.ts'

/** A machine an operator let in. */
export interface Device {
  readonly id: DeviceId
  readonly name: string
  /** null: the policy's default profile. */
  readonly profile: ProfileName | null
  readonly transport: 'wireguard' | 'tailnet'
  /** The machine itself goes through the gateway, not only what it wraps. */
  readonly wholeMachine: boolean
  readonly approvedBy: string
  readonly approvedAt: EpochMs
  readonly blocked: boolean
  readonly createdAt: EpochMs
  readonly lastSeenAt: EpochMs | null
  /** Addresses the gateway saw it dial from; it may be pinned to them. */
  readonly external4: string | null
  readonly external6: string | null
  /** What happens when it dials from elsewhere; null: what the policy says. */
  readonly pin: PinMode | null
  /** Why the gateway blocked it; null: it is not blocked, or an operator did it. */
  readonly blockedReason: string | null
}

/** What an approval makes a device of. */
export interface NewDevice {
  readonly name: string
  readonly profile: ProfileName | null
  readonly transport: Device['transport']
  /** Absent: only what it wraps. */
  readonly wholeMachine?: boolean
  /** Who let it in, in words. */
  readonly approvedBy: string
}

/** Devices on record. Changes hold at once: every look-up reads the database. */
export interface Devices {
  create(device: NewDevice): Device
  get(id: DeviceId): Device | null
  /** Oldest first. */
  list(): readonly Device[]
  /** Names need not be unique. */
  findByName(name: string): readonly Device[]
  /** @returns false when there is no such device; so do the others */
  setProfile(id: DeviceId, profile: ProfileName | null): boolean
  /** @param because why the gateway does it; absent: an operator wants it */
  setBlocked(id: DeviceId, blocked: boolean, because?: string): boolean
  /** Replaces both addresses. */
  setExternal(id: DeviceId, pair: RegisteredPair): boolean
  /** @param mode null: what the policy says */
  setPin(id: DeviceId, mode: PinMode | null): boolean
  /** How the device goes through the gateway since it joined again. */
  setTransport(id: DeviceId, transport: Device['transport'], wholeMachine: boolean): boolean
  /** Its peers and tokens go with it; its records stay. */
  remove(id: DeviceId): boolean
  /** Notes that it was seen; writes at most once in `seenEveryMs` per device. */
  touch(id: DeviceId): void
}

const seenEveryMs = 30_000

/** The device table's queries. */
export function devicesOf(database: Database, now: () => number = Date.now): Devices {
  const { orm, sqlite } = database
  const byId = orm
    .select()
    .from(table)
    .where(eq(table.id, sql.placeholder('id')))
    .prepare()
  const seen = sqlite.prepare('UPDATE devices SET last_seen_at = @now WHERE id = @id')
  const seenAt = new Map<DeviceId, number>()
  const update = (id: DeviceId, values: Partial<typeof table.$inferInsert>): boolean =>
    orm.update(table).set(values).where(eq(table.id, id)).run().changes > 0
  return {
    create(device) {
      const at = now()
      const row = { ...device, id: newId(), approvedAt: at, createdAt: at }
      return orm.insert(table).values(row).returning().get() as Device
    },
    get: (id) => (byId.get({ id }) as Device | undefined) ?? null,
    list: () => orm.select().from(table).orderBy(table.createdAt, table.id).all() as Device[],
    findByName: (name) =>
      orm.select().from(table).where(eq(table.name, name)).orderBy(table.createdAt).all() as Device[],
    setProfile: (id, profile) => update(id, { profile }),
    setBlocked: (id, blocked, because) => update(id, { blocked, blockedReason: blocked ? (because ?? null) : null }),
    setTransport: (id, transport, wholeMachine) => update(id, { transport, wholeMachine }),
    setExternal: (id, { external4, external6 }) => update(id, { external4, external6 }),
    setPin: (id, pin) => update(id, { pin }),
    remove(id) {
      seenAt.delete(id)
      return orm.delete(table).where(eq(table.id, id)).run().changes > 0
    },
    touch(id) {
      const at = now()
      const before = seenAt.get(id)
      // also when the clock was set back
      if (before !== undefined && Math.abs(at - before) < seenEveryMs) return
      if (seen.run({ now: at, id }).changes > 0) seenAt.set(id, at)
    },
  }
}
