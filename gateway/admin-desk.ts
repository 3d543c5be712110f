import type { JoinAttempts } from '../onboard/server/attempts.ts'
import type { AdminPorts, GatewayStatus } from './admin/ports.ts'
import type { ConfigFollow } from './config-follow.ts'
import type { CurrentPolicy } from './current-policy.ts'
import type { Dispatch } from './flows/dispatch.ts'
import type { Metrics } from './metrics.ts'
import type { DeviceRegistry } from './onboarding/enrolment.ts'
import type { Pools } from './pool/pools.ts'
import type { Storage } from './storage.ts'
import type { Devices } from './store/devices.ts'
import type { Peers } from './store/peers.ts'
import type { WireguardTailnet } from './tailnet/wireguard.ts'

/** The parts of a running gateway an operator can look at or change. */
export interface DeskParts {
  readonly storage: Storage
  readonly current: CurrentPolicy
  readonly registry: DeviceRegistry
  readonly devices: Devices
  readonly peers: Peers
  readonly joins: JoinAttempts
  readonly dispatch: Dispatch
  readonly pools: Pools
  readonly tailnet: WireguardTailnet
  readonly follow: ConfigFollow
  readonly metrics: Metrics
  /** Epoch, ms. */
  readonly startedAt: number
}

/** What operators may ask of a running gateway, fulfilled by its parts. */
export function adminDesk(parts: DeskParts): AdminPorts {
  const { registry, devices, peers, joins, dispatch, current, follow, storage } = parts
  return {
    joins,
    devices: {
      list: () => devices.list(),
      get: (id) => devices.get(id),
      findByName: (name) => devices.findByName(name),
      peersOf: (id) => peers.listOf(id),
      block: (id) => registry.block(id),
      unblock: (id) => registry.unblock(id),
      remove: (id) => registry.leave(id),
      setProfile: (id, profile) => registry.setProfile(id, profile),
    },
    profiles: () => [...current.policy.profiles.keys()],
    caFingerprint: () => storage.root.fingerprint,
    status: () => status(parts),
    flows: () =>
      dispatch.list().map(({ flow, kind }) => ({
        id: flow.id,
        kind,
        device: flow.peer.node,
        profile: flow.profile,
        target: flow.target,
        name: flow.targetName,
        opened_at: flow.openedAt,
      })),
    reload: () => follow.reload(),
  }
}

function status({ storage, current, dispatch, pools, tailnet, metrics, startedAt }: DeskParts): GatewayStatus {
  const { recorder, leaves } = storage
  return {
    started_at: new Date(startedAt).toISOString(),
    revision: current.policy.revision,
    wireguard_port: tailnet.port,
    peers: tailnet.peers().length,
    flows: { ...dispatch.stats() },
    transport: { ...tailnet.stats() },
    pools: pools.stats(),
    recorder: { healthy: recorder.healthy, ...recorder.stats() },
    certificates: { ...leaves.stats() },
    metrics: metrics.snapshot(),
  }
}
