import type { ApprovedJoin, PendingJoin } from '../../onboard/server/attempts.ts'
import type { PinMode } from '../onboarding/pinning.ts'
import type { Device } from '../store/devices.ts'
import { type AdminCall, callAdmin } from './client.ts'
import type { DeviceAddresses, FlowView, GatewayStatus, ReloadResult } from './ports.ts'

/** A device with its peers and nodes, as the socket shows it. */
export interface DeviceView extends Device {
  /** What happens when it dials from elsewhere than where it joined. */
  readonly pinMode: PinMode
  readonly peers: readonly DeviceAddresses[]
}

/** What each command answers; the gateway on the other side is of the same version. */
export interface AdminReplies {
  readonly joins: { readonly joins: readonly PendingJoin[]; readonly ca_fingerprint: string }
  readonly approved: ApprovedJoin & { readonly ca_fingerprint: string }
  readonly denied: { readonly join: PendingJoin }
  readonly devices: { readonly devices: readonly DeviceView[] }
  readonly device: DeviceView
  readonly deleted: { readonly id: string; readonly name: string }
  readonly status: GatewayStatus
  readonly flows: { readonly flows: readonly FlowView[] }
  readonly reloaded: ReloadResult
  /** The gateway knows whose doing the next revision is. */
  readonly expected: { readonly revision: string }
}

/** Asks for one kind of answer. @throws ClawError as `callAdmin` does */
export async function askAdmin<K extends keyof AdminReplies>(_kind: K, call: AdminCall): Promise<AdminReplies[K]> {
  return (await callAdmin(call)) as AdminReplies[K]
}
