import { createHash, X509Certificate } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type AdminServer, startAdminServer } from '../../gateway/admin/server.ts'
import { adminSocketPath } from '../../gateway/admin/socket.ts'
import { type Listener, startOnboardListener } from '../../gateway/onboarding/listener.ts'
import { type Onboarding, openOnboarding } from '../../gateway/onboarding/onboarding.ts'
import type { LivePeer, PeerTransport } from '../../gateway/onboarding/transport.ts'
import { tunnelFacts, tunnelRange } from '../../gateway/onboarding/tunnel-facts.ts'
import { type Database, openDatabase } from '../../gateway/store/database.ts'
import { type Devices, devicesOf } from '../../gateway/store/devices.ts'
import { type Peers, peersOf } from '../../gateway/store/peers.ts'
import { tokensOf } from '../../gateway/store/tokens.ts'
import { newKeyPair } from '../../onboard/client/wireguard-key.ts'
import type { DeviceId, ProfileName } from '../../workers/contract/ids.ts'
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
  readonly onboarding: Onboarding
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
  const authority = makeAuthority(dir, ['gateway.clawpatrol.internal'])
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
  const onboarding = openOnboarding({
    devices,
    peers,
    tokens: tokensOf(database, now),
    transport,
    tunnel: () =>
      tunnelFacts({
        publicKey: serverPublicKey,
        endpoint: { host: '127.0.0.1', port: 51820 },
        dns: [peers.server.address4],
      }),
    authority: () => ({ pem: authority.ca, fingerprint }),
    profiles: () => options.profiles ?? ['default', 'coder'],
    defaultProfile: () => 'default' as ProfileName,
    variables: (profile) => [
      { name: 'CLAWPATROL_DEMO', value: `PH_${profile}`, description: "it's a demo", plugin_type: 'bearer_token' },
    ],
    endFlows: (device, because) => ended.push({ device, because }),
    publicUrl: options.publicUrl ?? null,
    isInsideTunnel: tunnelRange(subnetCidr),
    now,
    monotonic: now,
  })
  return {
    dir,
    authority,
    fingerprint,
    clock,
    database,
    devices,
    peers,
    transport,
    onboarding,
    ended,
    async [Symbol.asyncDispose]() {
      await onboarding[Symbol.asyncDispose]()
      database.close()
      rmSync(dir, { recursive: true, force: true })
    },
  }
}

/** Opens the lab's HTTP port on loopback. */
export function listen(lab: OnboardLab, host = '127.0.0.1'): Promise<Listener> {
  const { key, cert } = lab.authority
  return startOnboardListener({ host, port: 0, app: lab.onboarding.app, certificate: () => ({ key, chain: cert }) })
}

/** Opens the lab's local socket for operators. */
export function openAdmin(lab: OnboardLab, stateDir = join(lab.dir, 'state')): Promise<AdminServer> {
  return startAdminServer({
    socketPath: adminSocketPath(stateDir),
    ports: {
      ...lab.onboarding.admin,
      status: () => ({ ready: true }),
      flows: () => [],
      reload: async () => ({ isApplied: true, revision: 'r1', problems: [] }),
    },
  })
}

/** A nonce and what a joining client sends of it. */
export function aNonce(text = 'n'): { readonly nonce: string; readonly hash: string } {
  const nonce = createHash('sha256').update(text).digest('base64url')
  return { nonce, hash: createHash('sha256').update(nonce).digest('base64url') }
}
