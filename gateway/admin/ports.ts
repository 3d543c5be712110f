import type { ApprovedJoin, PendingJoin } from '../../onboard/server/attempts.ts'
import type { DeviceId, ProfileName } from '../../workers/contract/ids.ts'
import type { MetricsSnapshot } from '../metrics.ts'
import type { Device } from '../store/devices.ts'
import type { Peer } from '../store/peers.ts'

/** A live flow as `clawpatrol` shows it; plain JSON. */
export interface FlowView {
  readonly id: string
  readonly kind: string
  readonly device: string
  readonly profile: string
  readonly target: { readonly host: string; readonly port: number }
  /** The host name it is for, where it is known. */
  readonly name: string | null
  /** Epoch, ms. */
  readonly opened_at: number
}

/** How a running gateway does; plain JSON. */
export interface GatewayStatus {
  /** ISO 8601. */
  readonly started_at: string
  readonly revision: string
  readonly wireguard_port: number
  /** WireGuard peers, devices and runs together. */
  readonly peers: number
  readonly recorder: { readonly healthy: boolean; readonly queued: number; readonly written: number }
  readonly pools: readonly { readonly profile: string; readonly threads: number; readonly flows: number }[]
  readonly flows: { readonly [counter: string]: number }
  readonly transport: { readonly [counter: string]: number }
  readonly certificates: { readonly [counter: string]: number }
  readonly metrics: MetricsSnapshot
}

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
  status(): GatewayStatus
  flows(): readonly FlowView[]
  reload(): Promise<ReloadResult>
}
