import { createHash, X509Certificate } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { GatewayStatus } from '../../gateway/admin/ports.ts'
import { type AdminServer, startAdminServer } from '../../gateway/admin/server.ts'
import { adminSocketPath } from '../../gateway/admin/socket.ts'
import { Metrics } from '../../gateway/metrics.ts'
import { type DeviceRegistry, deviceRegistry } from '../../gateway/onboarding/enrolment.ts'
import { type Listener, startOnboardListener } from '../../gateway/onboarding/listener.ts'
import { type Runs, runs } from '../../gateway/onboarding/runs.ts'
import { tailnetDesk } from '../../gateway/onboarding/tailnet-desk.ts'
import { tailnetMembers } from '../../gateway/onboarding/tailnet-members.ts'
import { type TailnetRuns, tailnetRuns } from '../../gateway/onboarding/tailnet-runs.ts'
import type { LivePeer, PeerTransport } from '../../gateway/onboarding/transport.ts'
import { noTunnel, tunnelFacts } from '../../gateway/onboarding/tunnel-facts.ts'
import { type Database, openDatabase } from '../../gateway/store/database.ts'
import { type Devices, devicesOf } from '../../gateway/store/devices.ts'
import { type Peers, peersOf } from '../../gateway/store/peers.ts'
import { keysOf } from '../../gateway/store/tailnet-keys.ts'
import { nodesOf, type TailnetNodes } from '../../gateway/store/tailnet-nodes.ts'
import { tokensOf } from '../../gateway/store/tokens.ts'
import { JoinKeys } from '../../gateway/tailscale/keys.ts'
import { newKeyPair } from '../../onboard/client/wireguard-key.ts'
import { createOnboardApp } from '../../onboard/server/app.ts'
import { type JoinAttempts, joinAttempts } from '../../onboard/server/attempts.ts'
import type { OnboardApp } from '../../onboard/server/env.ts'
import { createFunnelApp } from '../../onboard/server/funnel-app.ts'
import { onboardLimits } from '../../onboard/server/limits.ts'
import type { OnboardPorts, RequestOrigin, TailnetNodeFacts } from '../../onboard/server/ports.ts'
import type { DeviceId } from '../../workers/contract/ids.ts'
import { type Authority, makeAuthority } from './authority.ts'
import { TailnetApi } from './tailnet-api.ts'

/** A transport that only remembers its peers: WireGuard itself has tests of its own. */
export class PeerTable implements PeerTransport {
  readonly table = new Map<string, readonly string[]>()
  readonly handshakes = new Map<string, number>()
  /** Where peers are heard from; absent: nowhere yet. */
  readonly endpoints = new Map<string, string>()

  async addPeer(publicKey: string, addresses: readonly string[]): Promise<void> {
    this.table.set(publicKey, addresses)
  }

  async removePeer(publicKey: string): Promise<void> {
    this.table.delete(publicKey)
    this.endpoints.delete(publicKey)
  }

  peers(): readonly LivePeer[] {
    return [...this.table.keys()].map((publicKey) => ({
      publicKey,
      endpoint: this.endpoints.get(publicKey) ?? '',
      lastHandshakeMs: this.handshakes.get(publicKey) ?? 0,
    }))
  }
}

/** Everything onboarding is made of, over a temporary database, with a clock that is set by hand. */
export interface OnboardLab extends AsyncDisposable {
  readonly dir: string
  readonly authority: Authority
  readonly fingerprint: string
  readonly clock: { now: number }
  readonly database: Database
  readonly devices: Devices
  readonly peers: Peers
  readonly transport: PeerTable
  readonly registry: DeviceRegistry
  readonly runs: Runs
  readonly attempts: JoinAttempts
  readonly app: OnboardApp
  readonly funnelApp: OnboardApp
  /** What the gateway asks of its tailnet, and what it was told there. */
  readonly tailnet: LabTailnet
  readonly ended: { readonly device: DeviceId; readonly because: string }[]
}

/** The tailnet of a lab: everything but the network itself. */
export interface LabTailnet {
  readonly api: TailnetApi
  readonly nodes: TailnetNodes
  readonly runs: TailnetRuns
  /** Stable ids of nodes that are in it; a sweep looks here. */
  readonly there: Set<string>
  /** Stable ids of nodes whose flows were ended, in order. */
  readonly endedNodes: string[]
  /** False: the gateway's own node is not in it. */
  isUp: boolean
}

/** What differs between labs. */
export interface OnboardLabOptions {
  readonly subnetCidr?: string
  readonly profiles?: readonly string[]
  readonly publicUrl?: string | null
  /** WireGuard alone unless said. */
  readonly transports?: readonly ('wireguard' | 'tailscale')[]
  readonly operators?: readonly string[]
  /** How long making a key may take, ms. */
  readonly mintMs?: number
}

/** Tag of the nodes of devices. */
export const labTag = 'tag:client'

/** Builds the onboarding of a gateway without its network. */
export function onboardLab(options: OnboardLabOptions = {}): OnboardLab {
  const dir = mkdtempSync(join(tmpdir(), 'clawpatrol-onboard-'))
  const authority = sharedAuthority()
  const fingerprint = new X509Certificate(authority.ca).fingerprint256
  const clock = { now: 1_700_000_000_000 }
  const now = () => clock.now
  const database = openDatabase(join(dir, 'state'))
  const subnetCidr = options.subnetCidr ?? '10.55.0.0/24'
  const devices = devicesOf(database, now)
  const peers = peersOf(database, subnetCidr, now)
  const transport = new PeerTable()
  const ended: { device: DeviceId; because: string }[] = []
  const serverPublicKey = newKeyPair().publicKey
  const transports = options.transports ?? ['wireguard']
  const hasWireguard = transports.includes('wireguard')
  const api = new TailnetApi(now)
  const nodes = nodesOf(database, now)
  const keys = new JoinKeys({ database, api, clientAuthkey: null, tags: [labTag], onTrouble: () => undefined, now })
  const endedNodes: string[] = []
  const endNode = (stableId: string) => void endedNodes.push(stableId)
  const there = new Set<string>()
  const members = tailnetMembers({
    nodes,
    keys,
    endNode,
    ...(options.mintMs === undefined ? {} : { mintMs: options.mintMs }),
  })
  const tailnetRunsOfLab = tailnetRuns({ devices, nodes, endNode, isThere: async (id) => there.has(id) })
  const registry = deviceRegistry({
    devices,
    tokens: tokensOf(database, now),
    ...(hasWireguard ? { peers, transport } : {}),
    ...(transports.includes('tailscale') ? { tailnet: members } : {}),
    profiles: () => options.profiles ?? ['default', 'coder'],
    variables: (profile) => [
      {
        name: 'CLAWPATROL_DEMO',
        value: `PH_${profile ?? 'none'}`,
        description: "it's a demo",
        plugin_type: 'bearer_token',
      },
    ],
    endFlows: async (device, because) => {
      ended.push({ device, because })
    },
  })
  const runPeers = runs({ peers, transport, monotonic: now })
  const endpoint = { host: '127.0.0.1', port: 51820 }
  const ports: OnboardPorts = {
    devices: registry,
    runs: runPeers,
    authority: () => ({ pem: authority.ca, fingerprint }),
    publicUrl: options.publicUrl ?? null,
    now,
    ...(hasWireguard
      ? tunnelFacts({
          wireguard: { endpoint, subnetCidr },
          server: peers.server,
          publicKey: serverPublicKey,
          mtu: 1420,
        })
      : noTunnel),
    ...(transports.includes('tailscale')
      ? {
          tailnet: tailnetDesk({
            devices,
            nodes,
            keys,
            keyRecords: keysOf(database, now),
            runs: tailnetRunsOfLab,
            tags: [labTag],
            operators: () => options.operators ?? ['ops@example.com'],
            facts: () => (tailnet.isUp ? labFacts : null),
            now,
          }),
        }
      : {}),
  }
  const tailnet: LabTailnet = { api, nodes, runs: tailnetRunsOfLab, there, endedNodes, isUp: true }
  const attempts = joinAttempts(ports)
  const limits = onboardLimits(now)
  return {
    dir,
    authority,
    fingerprint,
    clock,
    database,
    devices,
    peers,
    transport,
    registry,
    runs: runPeers,
    attempts,
    app: createOnboardApp(ports, attempts, limits),
    funnelApp: createFunnelApp(ports, attempts, limits),
    tailnet,
    ended,
    async [Symbol.asyncDispose]() {
      await attempts[Symbol.asyncDispose]()
      await runPeers[Symbol.asyncDispose]()
      await tailnetRunsOfLab[Symbol.asyncDispose]()
      await members[Symbol.asyncDispose]()
      await keys[Symbol.asyncDispose]()
      database.close()
      rmSync(dir, { recursive: true, force: true })
    },
  }
}

const labFacts = {
  gatewayHost: 'gate',
  gatewayIp: '100.64.0.1',
  gatewayUrl: 'http://100.64.0.1:8080',
  controlUrl: 'https://control.example',
}

/** A request over the gateway's own port. */
export function directly(source: string): RequestOrigin {
  return { source, reach: 'direct', node: null }
}

/** A request from the internet. */
export function throughFunnel(source: string): RequestOrigin {
  return { source, reach: 'funnel', node: null }
}

/** A request from a node of the tailnet. */
export function fromNode(node: TailnetNodeFacts): RequestOrigin {
  return { source: node.addresses[0] ?? '', reach: 'tailnet', node }
}

/** A node of the tailnet as it is after a device's key let it in. */
export function aNode(number: number, more: Partial<TailnetNodeFacts> = {}): TailnetNodeFacts {
  return {
    stableId: `n${number}`,
    name: `node-${number}`,
    user: null,
    tags: [labTag],
    addresses: [`100.64.1.${number}`, `fd7a:115c:a1e0::${number}`],
    ...more,
  }
}

/** A node of a person. */
export function aPersonsNode(number: number, user = 'ops@example.com'): TailnetNodeFacts {
  return aNode(number, { user, tags: [] })
}

/** Says something else than the gateway would; null: what it would. */
export type Intercept = (request: Request) => Response | null | Promise<Response | null>

/** Opens the lab's HTTP port on loopback, or that of a gateway which is not quite honest. */
export function listen(lab: OnboardLab, intercept: Intercept = () => null): Promise<Listener> {
  const { key, cert } = lab.authority
  const app = {
    fetch: async (request: Request, origin: RequestOrigin) =>
      (await intercept(request)) ?? (await lab.app.fetch(request, origin)),
  }
  return startOnboardListener({ host: '127.0.0.1', port: 0, app, certificate: () => ({ key, chain: cert }) })
}

/** Opens the lab's local socket for operators. */
export function openAdmin(lab: OnboardLab, stateDir = join(lab.dir, 'state')): Promise<AdminServer> {
  const { attempts, devices, peers, registry } = lab
  return startAdminServer({
    socketPath: adminSocketPath(stateDir),
    ports: {
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
        setPin: devices.setPin,
      },
      joinPin: () => 'off',
      profiles: registry.profiles,
      caFingerprint: () => lab.fingerprint,
      status: () => idle,
      flows: () => [],
      reload: async () => ({ isApplied: true, revision: 'r1', problems: [] }),
      expectRollback: () => undefined,
    },
  })
}

/** A gateway nothing has happened to yet. */
const idle: GatewayStatus = {
  started_at: '2030-01-01T00:00:00.000Z',
  revision: 'r1',
  wireguard_port: 51820,
  peers: 0,
  tailnet: null,
  recorder: { healthy: true, queued: 0, written: 0 },
  pools: [],
  flows: {},
  transport: {},
  certificates: {},
  metrics: new Metrics().snapshot(),
}

/** A nonce and what a joining client sends of it. */
export function aNonce(text = 'n'): { readonly nonce: string; readonly hash: string } {
  const nonce = createHash('sha256').update(text).digest('base64url')
  return { nonce, hash: createHash('sha256').update(nonce).digest('base64url') }
}

let made: Authority | null = null

/** One for all labs of a process: openssl takes its time. Its files are gone, its texts are not. */
function sharedAuthority(): Authority {
  if (made !== null) return made
  const dir = mkdtempSync(join(tmpdir(), 'clawpatrol-authority-'))
  try {
    made = makeAuthority(dir, ['gateway.clawpatrol.internal'])
    return made
  } finally {
    rmSync(dir, { recursive: true })
  }
}
