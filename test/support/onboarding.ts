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
import type { LivePeer, PeerTransport } from '../../gateway/onboarding/transport.ts'
import { tunnelFacts } from '../../gateway/onboarding/tunnel-facts.ts'
import { type Database, openDatabase } from '../../gateway/store/database.ts'
import { type Devices, devicesOf } from '../../gateway/store/devices.ts'
import { type Peers, peersOf } from '../../gateway/store/peers.ts'
import { tokensOf } from '../../gateway/store/tokens.ts'
import { newKeyPair } from '../../onboard/client/wireguard-key.ts'
import { createOnboardApp, type OnboardApp } from '../../onboard/server/app.ts'
import { type JoinAttempts, joinAttempts } from '../../onboard/server/attempts.ts'
import type { OnboardPorts } from '../../onboard/server/ports.ts'
import type { DeviceId } from '../../workers/contract/ids.ts'
import { type Authority, makeAuthority } from './authority.ts'

/** A transport that only remembers its peers: WireGuard itself has tests of its own. */
export class PeerTable implements PeerTransport {
  readonly table = new Map<string, readonly string[]>()
  readonly handshakes = new Map<string, number>()

  async addPeer(publicKey: string, addresses: readonly string[]): Promise<void> {
    this.table.set(publicKey, addresses)
  }

  async removePeer(publicKey: string): Promise<void> {
    this.table.delete(publicKey)
  }

  peers(): readonly LivePeer[] {
    return [...this.table.keys()].map((publicKey) => ({
      publicKey,
      endpoint: '',
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
  readonly ended: { readonly device: DeviceId; readonly because: string }[]
}

/** What differs between labs. */
export interface OnboardLabOptions {
  readonly subnetCidr?: string
  readonly profiles?: readonly string[]
  readonly publicUrl?: string | null
}

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
  const registry = deviceRegistry({
    devices,
    peers,
    tokens: tokensOf(database, now),
    transport,
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
    ...tunnelFacts({
      wireguard: { endpoint, subnetCidr },
      server: peers.server,
      publicKey: serverPublicKey,
      mtu: 1420,
    }),
  }
  const attempts = joinAttempts(ports)
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
    app: createOnboardApp(ports, attempts),
    ended,
    async [Symbol.asyncDispose]() {
      await attempts[Symbol.asyncDispose]()
      await runPeers[Symbol.asyncDispose]()
      database.close()
      rmSync(dir, { recursive: true, force: true })
    },
  }
}

/** Says something else than the gateway would; null: what it would. */
export type Intercept = (request: Request) => Response | null | Promise<Response | null>

/** Opens the lab's HTTP port on loopback, or that of a gateway which is not quite honest. */
export function listen(lab: OnboardLab, intercept: Intercept = () => null): Promise<Listener> {
  const { key, cert } = lab.authority
  const app = {
    fetch: async (request: Request, env: { readonly source: string }) =>
      (await intercept(request)) ?? (await lab.app.fetch(request, env)),
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
      },
      profiles: registry.profiles,
      caFingerprint: () => lab.fingerprint,
      status: () => idle,
      flows: () => [],
      reload: async () => ({ isApplied: true, revision: 'r1', problems: [] }),
    },
  })
}

/** A gateway nothing has happened to yet. */
const idle: GatewayStatus = {
  started_at: '2030-01-01T00:00:00.000Z',
  revision: 'r1',
  wireguard_port: 51820,
  peers: 0,
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
