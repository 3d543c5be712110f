import type { PushedVariable } from '../../onboard/protocol.ts'
import { createOnboardApp, type OnboardApp } from '../../onboard/server/app.ts'
import { type JoinAttempts, joinAttempts } from '../../onboard/server/attempts.ts'
import type { AuthorityFacts, OnboardPorts, TunnelFacts } from '../../onboard/server/ports.ts'
import type { DeviceId, ProfileName } from '../../workers/contract/ids.ts'
import type { AdminPorts } from '../admin/ports.ts'
import type { DeviceLookup } from '../flows/identify.ts'
import type { Devices } from '../store/devices.ts'
import type { Peers } from '../store/peers.ts'
import type { Tokens } from '../store/tokens.ts'
import { type DeviceRegistry, deviceRegistry } from './enrolment.ts'
import { deviceLookup } from './lookup.ts'
import { type Runs, runs } from './runs.ts'
import type { PeerTransport } from './transport.ts'

/** What onboarding is made of. Functions are asked anew each time, so that a reload holds at once. */
export interface OnboardingParts {
  readonly devices: Devices
  readonly peers: Peers
  readonly tokens: Tokens
  /** The live WireGuard server; asked for nothing before `restore`. */
  readonly transport: PeerTransport
  readonly tunnel: () => TunnelFacts
  readonly authority: () => AuthorityFacts
  readonly profiles: () => readonly string[]
  /** Profile of devices that were given none. */
  readonly defaultProfile: () => ProfileName | null
  /** What agents of a profile find in their environment, e.g. `placeholderVariables`. */
  readonly variables: (profile: ProfileName | null) => readonly PushedVariable[]
  readonly endFlows: (device: DeviceId, because: string) => void
  readonly publicUrl: string | null
  /** e.g. `tunnelRange(subnetCidr)` */
  readonly isInsideTunnel: (address: string) => boolean
  readonly now?: () => number
  /** A clock that is never set, ms. */
  readonly monotonic?: () => number
}

/** Everything that lets devices in, running. */
export interface Onboarding extends AsyncDisposable {
  /** What strangers and devices may ask: for `startOnboardListener`. */
  readonly app: OnboardApp
  /** Who is behind a tunnel address: for `identify`. */
  readonly lookup: DeviceLookup
  readonly registry: DeviceRegistry
  readonly runs: Runs
  readonly attempts: JoinAttempts
  /** Lets peers on record into the transport, once it has started. */
  restore(): Promise<{ readonly peers: number }>
  /** The parts of the operators' socket that are about devices: for `startAdminServer`. */
  readonly admin: Pick<AdminPorts, 'joins' | 'devices' | 'profiles' | 'caFingerprint'>
}

/** Builds onboarding over the store and the transport. */
export function openOnboarding(parts: OnboardingParts): Onboarding {
  const { devices, peers, tokens, transport, authority } = parts
  const { profiles, endFlows, defaultProfile } = parts
  const registry = deviceRegistry({
    devices,
    peers,
    tokens,
    transport,
    profiles,
    endFlows,
    variables: (profile) => parts.variables(profile ?? defaultProfile()),
  })
  const runPeers = runs({ peers, transport, ...(parts.monotonic === undefined ? {} : { monotonic: parts.monotonic }) })
  const ports: OnboardPorts = {
    devices: registry,
    runs: runPeers,
    tunnel: parts.tunnel,
    authority,
    publicUrl: parts.publicUrl,
    isInsideTunnel: parts.isInsideTunnel,
    now: parts.now ?? Date.now,
  }
  const attempts = joinAttempts(ports)
  return {
    app: createOnboardApp(ports, attempts),
    lookup: deviceLookup({ devices, peers }, defaultProfile),
    registry,
    runs: runPeers,
    attempts,
    restore: registry.restore,
    admin: {
      joins: attempts,
      devices: {
        list: devices.list,
        get: devices.get,
        findByName: devices.findByName,
        peersOf: peers.listOf,
        block: registry.block,
        unblock: registry.unblock,
        remove: registry.leave,
        setProfile: registry.setProfile,
      },
      profiles,
      caFingerprint: () => authority().fingerprint,
    },
    async [Symbol.asyncDispose]() {
      await attempts[Symbol.asyncDispose]()
      await runPeers[Symbol.asyncDispose]()
    },
  }
}
