import type { ApprovedJoin, PendingJoin } from '../../onboard/server/attempts.ts'
import type { DeviceId, ProfileName } from '../../workers/contract/ids.ts'
import type { Device } from '../store/devices.ts'
import type { Peer } from '../store/peers.ts'

/** A live flow as `clawpatrol` shows it; plain JSON. */
export type FlowView = { readonly [field: string]: unknown }

/** What a reload did; problems are complete sentences with their places. */
export interface ReloadResult {
  readonly isApplied: boolean
  readonly revision: string
  readonly problems: readonly string[]
}

/** Everything the local socket lets an operator do. */
export interface AdminPorts {
  readonly joins: {
    pending(): readonly PendingJoin[]
    approve(
      code: string,
      choice: { readonly profile: string | null; readonly approvedBy: string },
    ): Promise<ApprovedJoin>
    deny(code: string): Promise<PendingJoin>
  }
  readonly devices: {
    list(): readonly Device[]
    get(id: DeviceId): Device | null
    findByName(name: string): readonly Device[]
    peersOf(id: DeviceId): readonly Peer[]
    block(id: DeviceId): Promise<boolean>
    unblock(id: DeviceId): Promise<boolean>
    remove(id: DeviceId): Promise<void>
    setProfile(id: DeviceId, profile: ProfileName | null): boolean
  }
  /** Names of the policy's profiles, in its order. */
  profiles(): readonly string[]
  caFingerprint(): string
  /** Whatever `clawpatrol` shows about the running gateway; plain JSON. */
  status(): { readonly [field: string]: unknown }
  flows(): readonly FlowView[]
  reload(): Promise<ReloadResult>
}
