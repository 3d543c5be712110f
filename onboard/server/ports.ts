import type { DeviceId } from '../../workers/contract/ids.ts'
import type { PushedVariable, Transport } from '../protocol.ts'

/** What an approved join attempt becomes. */
export type Enrolment = WireguardEnrolment | TailscaleEnrolment

interface EveryEnrolment {
  readonly device: DeviceId
  readonly name: string
  /** True when the device was on record before: it only got a new key. */
  readonly isRejoin: boolean
}

/** A device with a WireGuard peer. */
export interface WireguardEnrolment extends EveryEnrolment {
  readonly transport: 'wireguard'
  readonly address4: string
  readonly address6: string
}

/** A device of the tailnet: its nodes get their addresses when they come up. */
export interface TailscaleEnrolment extends EveryEnrolment {
  readonly transport: 'tailscale'
  readonly address4: null
  readonly address6: null
}

/** A device that has been let in. */
export interface Admission {
  readonly enrolment: Enrolment
  /** Lets its nodes into the tailnet: a secret, for the device alone; null with WireGuard. */
  readonly authKey: string | null
}

/** How a joining device wants its traffic carried. */
export type WantedTransport =
  | { readonly kind: 'wireguard'; readonly publicKey: string; readonly isWholeMachine: boolean }
  | { readonly kind: 'tailscale'; readonly isWholeMachine: boolean }

/** What is needed to let a device in. */
export interface EnrolRequest {
  readonly name: string
  /** null: the policy's default profile, or the one the device had. */
  readonly profile: string | null
  readonly approvedBy: string
  readonly transport: WantedTransport
  /** The device that proved with its token that it is joining again. */
  readonly rejoinOf: DeviceId | null
  /** Address it dialled from; null: through the tailnet, which does not tell where it is. */
  readonly source: string | null
}

/** A device as its own requests see it. */
export interface KnownDevice {
  readonly id: DeviceId
  readonly name: string
  readonly profile: string | null
  readonly isBlocked: boolean
  readonly transport: Transport
  readonly address4: string | null
}

/** Devices on record. */
export interface DeviceDesk {
  /**
   * Makes the device, takes addresses and lets its key in, or has a key for the tailnet minted.
   * @throws ClawError when no address is free, or no key can be had
   */
  enrol(request: EnrolRequest): Promise<Admission>
  /** Takes an enrolment back whose client never fetched it. */
  withdraw(enrolment: Enrolment): Promise<void>
  /**
   * Makes earlier tokens of the device worthless; the new one cannot be had again.
   * @throws ClawError when the device is not on record any more
   */
  issueToken(device: DeviceId): string
  ofToken(token: string): KnownDevice | null
  /** The device leaves: peers, nodes, keys, tokens and flows go with it. */
  leave(device: DeviceId): Promise<void>
  /** Profiles of the policy in its order. */
  profiles(): readonly string[]
  variables(device: KnownDevice): readonly PushedVariable[]
}

/** A peer for one run of a wrapped command. */
export interface RunPeer {
  readonly id: string
  readonly address4: string
  readonly address6: string
  readonly expiresS: number
}

/** Peers of runs. */
export interface RunDesk {
  /** @throws ClawError CP_LIMIT when the device has too many, CP_ONBOARD when no address is free */
  open(request: { readonly device: DeviceId; readonly publicKey: string; readonly name: string }): Promise<RunPeer>
  /** @returns false when the device has no such run */
  close(device: DeviceId, id: string): Promise<boolean>
}

/** What clients are told about the tunnel. */
export interface TunnelFacts {
  readonly serverPublicKey: string
  /** host:port, IPv6 in brackets. */
  readonly endpoint: string
  readonly mtu: number
  readonly dns: readonly string[]
  readonly keepaliveS: number
  /** Interface name suggested to clients. */
  readonly interfaceName: string
}

/** The certificate authority devices are to trust. */
export interface AuthorityFacts {
  readonly pem: string
  /** SHA-256 of the DER, upper-case hex pairs joined by colons. */
  readonly fingerprint: string
}

/** Where a request came in: the gateway's own port, a port of its tailnet node, or the internet through Funnel. */
export type Reach = 'direct' | 'tailnet' | 'funnel'

/** A node of the tailnet as the gateway's own node vouches for it. */
export interface TailnetNodeFacts {
  /** Never given to another node. */
  readonly stableId: string
  readonly name: string
  /** Login of its owner; null for tagged nodes, which belong to nobody. */
  readonly user: string | null
  readonly tags: readonly string[]
  readonly addresses: readonly string[]
}

/** Who is asking, by what the connection itself proves; no header is believed. */
export interface RequestOrigin {
  /** Address the connection came from. */
  readonly source: string
  readonly reach: Reach
  /** With reach `tailnet` only, and there it always is. */
  readonly node: TailnetNodeFacts | null
}

/** What clients are told about the gateway's node. */
export interface TailnetFacts {
  /** First label of its name. */
  readonly gatewayHost: string
  /** Its IPv4 address. */
  readonly gatewayIp: string
  /** Where it answers inside the tailnet, `http://…`. */
  readonly gatewayUrl: string
  /** Empty: the default service. */
  readonly controlUrl: string
}

/** A key that lets nodes into the tailnet: a secret. */
export interface MintedKey {
  readonly key: string
  /** Epoch, ms; null: never. */
  readonly expiresAt: number | null
}

/** Who a key is for. */
export interface KeyRequest {
  readonly device: DeviceId
  readonly name: string
  /** One node that stays, instead of one for each run. */
  readonly wholeMachine: boolean
}

/** Keys for nodes of devices, made and made worthless in the tailnet. Never untagged ones. */
export interface JoinKeys {
  /** One that many short-lived nodes can use, or for a whole machine one that a single lasting node can. */
  mint(request: KeyRequest): Promise<MintedKey>
  /** A new one for runs; the ones before stay good for a while. */
  rotate(request: Omit<KeyRequest, 'wholeMachine'>): Promise<MintedKey>
  /**
   * Makes the keys of a device worthless and removes its nodes; they are nobody's when this returns. To be called
   * before the device is deleted. Failures are kept and retried.
   */
  revoke(device: DeviceId): Promise<void>
  /** One node is nobody's when this returns, and is removed. */
  removeNode(stableId: string): Promise<void>
}

/** What became of a node that asked to be a device's. */
export type Bound =
  | { readonly kind: 'bound'; readonly run: string | null }
  /** The node, or the name of the run, is another device's. */
  | { readonly kind: 'taken' }
  | { readonly kind: 'too-many' }
  /** The device went away, or was blocked, meanwhile. */
  | { readonly kind: 'gone' }

/** The tailnet as onboarding sees it. */
export interface TailnetDesk {
  /** null while the gateway's node is not in the tailnet. */
  facts(): TailnetFacts | null
  /** Whose node it is; null: nobody's. */
  deviceOf(stableId: string): DeviceId | null
  /** Whether it carries a tag that keys minted here give. */
  isTaggedByUs(node: TailnetNodeFacts): boolean
  /** Whether its owner may let devices in; never so for a tagged node. */
  isOperator(node: TailnetNodeFacts): boolean
  /** The node becomes one of the device's runs; of a device that is a whole machine, the device itself. */
  bindRun(device: DeviceId, node: TailnetNodeFacts, run: string | null): Bound
  /** The node becomes the device itself, unless it has one. */
  bindMachine(device: DeviceId, node: TailnetNodeFacts): Bound
  /** A run is over: its node is nobody's. @returns false when the device has no such run */
  endRun(device: DeviceId, run: string): boolean
  /** @throws ClawError when no key can be had */
  rotateKey(device: DeviceId): Promise<MintedKey>
  /** When the device's newest key is worthless, epoch ms; null: not known, or never. */
  keyExpiresAt(device: DeviceId): number | null
}

/** Everything onboarding needs of the gateway around it. */
export interface OnboardPorts {
  readonly devices: DeviceDesk
  /** Peers of runs in WireGuard. */
  readonly runs: RunDesk
  /** null: there is no WireGuard. */
  tunnel(): TunnelFacts | null
  /** Absent: there is no tailnet. */
  readonly tailnet?: TailnetDesk
  authority(): AuthorityFacts
  /** Where operators look at joins; null: no page, the command is enough. */
  readonly publicUrl: string | null
  /** True for addresses inside the tunnel: from there only devices' own routes answer. */
  isInsideTunnel(address: string): boolean
  readonly now: () => number
  /** Told of errors no route expects: whoever asked learns only that there was one. */
  readonly onFault?: (error: unknown) => void
}
