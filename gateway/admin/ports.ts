import type { ApprovedJoin, PendingJoin } from '../../onboard/server/attempts.ts'
import type { DeviceId, ProfileName } from '../../workers/contract/ids.ts'
import type { MetricsSnapshot } from '../metrics.ts'
import type { PinMode } from '../onboarding/pinning.ts'
import type { Device } from '../store/devices.ts'

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

/** The gateway's node in its tailnet; plain JSON. */
export interface TailnetStatus {
  /** As the control plane calls it; `down`: it has not joined. */
  readonly state: string
  readonly name: string
  readonly addresses: readonly string[]
  /** Nodes of devices and runs. */
  readonly nodes: number
  readonly health: readonly string[]
  /** What keeps agents from getting through, and what to do; null: nothing known. */
  readonly advice: string | null
}

/** Where a device's traffic comes from. */
export interface DeviceAddresses {
  readonly address4: string
  readonly address6: string | null
  /** Of one run only. */
  readonly ephemeral: boolean
  readonly run: string | null
  readonly createdAt: number
}

/** How a running gateway does; plain JSON. */
export interface GatewayStatus {
  /** ISO 8601. */
  readonly started_at: string
  readonly revision: string
  /** UDP port; null: no WireGuard. */
  readonly wireguard_port: number | null
  /** WireGuard peers, devices and runs together. */
  readonly peers: number
  /** null: the gateway is not to be in a tailnet. */
  readonly tailnet: TailnetStatus | null
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
    peersOf(id: DeviceId): readonly DeviceAddresses[]
    block(id: DeviceId): Promise<boolean>
    unblock(id: DeviceId): Promise<boolean>
    remove(id: DeviceId): Promise<void>
    setProfile(id: DeviceId, profile: ProfileName | null): boolean
    /** @param mode null: what the policy says */
    setPin(id: DeviceId, mode: PinMode | null): boolean
  }
  /** Names of the policy's profiles, in its order. */
  profiles(): readonly string[]
  /** What the policy says of devices that dial from elsewhere. */
  joinPin(): PinMode
  caFingerprint(): string
  status(): GatewayStatus
  flows(): readonly FlowView[]
  /** @param by operator; null: nobody said who */
  reload(by: string | null): Promise<ReloadResult>
  /** This revision is about to be put back by an operator. */
  expectRollback(revision: string, by: string): void
}
