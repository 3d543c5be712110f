import type { DeviceId } from '../../workers/contract/ids.ts'
import type { PushedVariable } from '../protocol.ts'

/** What an approved join attempt becomes. */
export interface Enrolment {
  readonly device: DeviceId
  readonly name: string
  readonly address4: string
  readonly address6: string
  /** True when the device was on record before: it only got a new key. */
  readonly isRejoin: boolean
}

/** What is needed to let a device in. */
export interface EnrolRequest {
  readonly name: string
  /** null: the policy's default profile, or the one the device had. */
  readonly profile: string | null
  readonly approvedBy: string
  readonly publicKey: string
  /** The device that proved with its token that it is joining again. */
  readonly rejoinOf: DeviceId | null
  /** Address it dialled from. */
  readonly source: string
}

/** A device as its own requests see it. */
export interface KnownDevice {
  readonly id: DeviceId
  readonly name: string
  readonly profile: string | null
  readonly isBlocked: boolean
  readonly address4: string | null
}

/** Devices on record. */
export interface DeviceDesk {
  /** Makes the device, takes addresses and lets its key in. @throws ClawError when no address is free */
  enrol(request: EnrolRequest): Promise<Enrolment>
  /** Takes an enrolment back whose client never fetched it. */
  withdraw(enrolment: Enrolment): Promise<void>
  /** Makes earlier tokens of the device worthless; the new one cannot be had again. */
  issueToken(device: DeviceId): string
  ofToken(token: string): KnownDevice | null
  /** The device leaves: peers, tokens and flows go with it. */
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

/** Everything onboarding needs of the gateway around it. */
export interface OnboardPorts {
  readonly devices: DeviceDesk
  readonly runs: RunDesk
  tunnel(): TunnelFacts
  authority(): AuthorityFacts
  /** Where operators look at joins; null: no page, the command is enough. */
  readonly publicUrl: string | null
  /** True for addresses inside the tunnel: from there only devices' own routes answer. */
  isInsideTunnel(address: string): boolean
  readonly now: () => number
  /** Told of errors no route expects: whoever asked learns only that there was one. */
  readonly onFault?: (error: unknown) => void
}
