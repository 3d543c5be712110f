import type { Peer } from '../../workers/contract/flow.ts'
import type { Address, DeviceId, ProfileName } from '../../workers/contract/ids.ts'
import type { Profile } from '../../workers/contract/profile.ts'
import { canonicalAddress, type HostIndex } from '../config/hosts.ts'

/** A device as far as its traffic is concerned. */
export interface KnownDevice {
  readonly id: DeviceId
  readonly name: string
  readonly user: string | null
  readonly profile: ProfileName | null
  readonly isApproved: boolean
  readonly isBlocked: boolean
}

/** Who is behind a tunnel address or a tailnet node. */
export interface DeviceLookup {
  /** @param address canonical IP literal, as `canonicalAddress` writes it */
  byAddress(address: string): KnownDevice | null
  /** @param stableId as the control plane of the tailnet gives it */
  byNode(stableId: string): KnownDevice | null
}

/** Where something came from. */
export interface Source {
  readonly from: Address
  /** Stable id of the tailnet node; null where each address belongs to one device. */
  readonly node: string | null
}

/** A profile with its look-up, as the gateway routes by it. */
export interface ProfileView {
  readonly profile: Profile
  readonly index: HostIndex
}

export interface ProfileLookup {
  view(name: ProfileName): ProfileView | null
}

export type Identity =
  | { readonly kind: 'known'; readonly peer: Peer; readonly view: ProfileView }
  /** Nothing of it may move: no byte, no DNS answer. */
  | { readonly kind: 'closed'; readonly because: string }

/** `identify`, where a look-up that fails is one more reason to be closed. */
export function identifySafely(devices: DeviceLookup, profiles: ProfileLookup, source: Source): Identity {
  try {
    return identify(devices, profiles, source)
  } catch {
    return { kind: 'closed', because: 'the device could not be looked up' }
  }
}

/** Says whose traffic it is. Whatever is not certainly an approved device of a known profile is closed. */
export function identify(devices: DeviceLookup, profiles: ProfileLookup, { from, node }: Source): Identity {
  const device = node === null ? devices.byAddress(canonicalAddress(from.host)) : devices.byNode(node)
  if (device === null) {
    const what = node === null ? 'address' : 'tailnet node'
    return { kind: 'closed', because: `no device has this ${what}` }
  }
  if (!device.isApproved) return { kind: 'closed', because: 'the device is not approved' }
  if (device.isBlocked) return { kind: 'closed', because: 'the device is blocked' }
  const view = device.profile === null ? null : profiles.view(device.profile)
  if (view === null) return { kind: 'closed', because: 'the profile of the device is not in the policy' }
  return { kind: 'known', peer: { device: device.id, node: device.name, user: device.user, address: from }, view }
}
