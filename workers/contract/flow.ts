import type { Address, DeviceId, EndpointName, EpochMs, FlowId, ProfileName } from './ids.ts'

/** Who opened a flow: the approved device behind a tunnel address. */
export interface Peer {
  readonly device: DeviceId
  /** The device's name as its operator sees it. */
  readonly node: string
  readonly user: string | null
  readonly address: Address
}

/** One TCP connection of an agent, with the 4-tuple it had inside the tunnel. */
export interface Flow {
  readonly id: FlowId
  readonly openedAt: EpochMs
  readonly peer: Peer
  readonly profile: ProfileName
  readonly target: Address
  /** Host name recovered from the ClientHello or from a virtual address; lower case; null when there is none. */
  readonly targetName: string | null
}

/** What the gateway does with a flow. */
export type Route =
  /** Hand it to the profile's pool: one of these endpoints claims it. */
  | { readonly kind: 'inspect'; readonly candidates: readonly EndpointName[] }
  /** Read the ClientHello first, then ask again with the name in it. */
  | { readonly kind: 'peek' }
  /** Answer DNS on it. */
  | { readonly kind: 'names' }
  /** Pass bytes through inside the binding, to this name or address, after the destination policy. */
  | { readonly kind: 'splice'; readonly to: Address; readonly because: string }
  | { readonly kind: 'refuse'; readonly because: string }
