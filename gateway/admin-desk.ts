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
import type { TailnetSide } from './tailnet-side.ts'
import type { WireguardSide } from './wireguard-side.ts'

/** The parts of a running gateway an operator can look at or change. */
export interface DeskParts {
  readonly storage: Storage
  readonly current: CurrentPolicy
  readonly registry: DeviceRegistry
  readonly devices: Devices
  /** null: the gateway has none; so for the tailnet. */
  readonly wireguard: WireguardSide | null
  readonly tailnet: TailnetSide | null
  readonly joins: JoinAttempts
  readonly dispatch: Dispatch
  readonly pools: Pools
  readonly follow: ConfigFollow
  readonly metrics: Metrics
  /** Epoch, ms. */
  readonly startedAt: number
}

/** What operators may ask of a running gateway, fulfilled by its parts. */
export function adminDesk(parts: DeskParts): AdminPorts {
  const { registry, devices, wireguard, tailnet, joins, dispatch, current, follow, storage } = parts
  return {
    joins,
    devices: {
      list: () => devices.list(),
      get: (id) => devices.get(id),
      findByName: (name) => devices.findByName(name),
      peersOf: (id) => [...(wireguard?.peers.listOf(id) ?? []), ...(tailnet?.nodes.listOf(id) ?? [])],
      block: (id) => registry.block(id),
      setPin: (id, mode) => devices.setPin(id, mode),
      unblock: (id) => registry.unblock(id),
      remove: (id) => registry.leave(id),
      setProfile: (id, profile) => registry.setProfile(id, profile),
    },
    profiles: () => [...current.policy.profiles.keys()],
    joinPin: () => current.policy.gateway.joinPin,
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
    reload: (by) => follow.reload(by === null ? null : { who: by, how: 'reload' }),
    expectRollback: (revision, by) => follow.expect(revision, { who: by, how: 'rollback' }),
  }
}

function status(parts: DeskParts): GatewayStatus {
  const { storage, current, dispatch, pools, wireguard, tailnet, metrics, startedAt } = parts
  const { recorder, leaves } = storage
  return {
    started_at: new Date(startedAt).toISOString(),
    revision: current.policy.revision,
    wireguard_port: wireguard?.network.port ?? null,
    peers: wireguard?.network.peers().length ?? 0,
    tailnet: tailnet === null ? null : tailnetStatus(tailnet),
    flows: { ...dispatch.stats() },
    transport: summed([wireguard?.network.stats(), tailnet?.stats()]),
    pools: pools.stats(),
    recorder: { healthy: recorder.healthy, ...recorder.stats() },
    certificates: { ...leaves.stats() },
    metrics: metrics.snapshot(),
  }
}

function tailnetStatus({ status: node, advice, nodes }: TailnetSide): NonNullable<GatewayStatus['tailnet']> {
  return {
    state: node?.state ?? 'down',
    name: node?.name ?? '',
    addresses: node?.addresses ?? [],
    nodes: nodes.list().length,
    health: node?.health ?? [],
    advice,
  }
}

type Counters = { readonly [counter: string]: number }

/** Counters of several networks added up; one that is not there counts nothing. */
function summed(all: readonly (Counters | null | undefined)[]): Counters {
  const sum: { [counter: string]: number } = {}
  for (const counters of all)
    for (const [name, value] of Object.entries(counters ?? {})) sum[name] = (sum[name] ?? 0) + value
  return sum
}
