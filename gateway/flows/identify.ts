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

/** Who is behind a tunnel address. */
export interface DeviceLookup {
  /** @param address canonical IP literal, as `canonicalAddress` writes it */
  byAddress(address: string): KnownDevice | null
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
export function identifySafely(devices: DeviceLookup, profiles: ProfileLookup, from: Address): Identity {
  try {
    return identify(devices, profiles, from)
  } catch {
    return { kind: 'closed', because: 'the device could not be looked up' }
  }
}

/** Says whose traffic it is. Whatever is not certainly an approved device of a known profile is closed. */
export function identify(devices: DeviceLookup, profiles: ProfileLookup, from: Address): Identity {
  const device = devices.byAddress(canonicalAddress(from.host))
  if (device === null) return { kind: 'closed', because: 'no device has this address' }
  if (!device.isApproved) return { kind: 'closed', because: 'the device is not approved' }
  if (device.isBlocked) return { kind: 'closed', because: 'the device is blocked' }
  const view = device.profile === null ? null : profiles.view(device.profile)
  if (view === null) return { kind: 'closed', because: 'the profile of the device is not in the policy' }
  return { kind: 'known', peer: { device: device.id, node: device.name, user: device.user, address: from }, view }
}
