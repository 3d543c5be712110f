import type { OnboardPorts, RunDesk } from '../onboard/server/ports.ts'
import { ClawError } from '../workers/contract/errors.ts'
import type { WireguardSettings } from './config/policy.ts'
import { type Runs, runs } from './onboarding/runs.ts'
import { tunnelFacts } from './onboarding/tunnel-facts.ts'
import type { Storage } from './storage.ts'
import { type Peers, peersOf } from './store/peers.ts'
import type { TailnetHandlers } from './tailnet/tailnet.ts'
import { newServerKey, serverPublicKey, WireguardTailnet } from './tailnet/wireguard.ts'

/** Largest packet for clients that cannot tell what their path carries, bytes: fits through the internet. */
const tunnelMtu = 1420
/** Largest packet the gateway itself would send, bytes; what a client's own device takes bounds it further. */
const serverMtu = 65_000

/** The gateway's WireGuard server and everything that follows from it. */
export interface WireguardSide {
  readonly network: WireguardTailnet
  readonly peers: Peers
  readonly facts: Pick<OnboardPorts, 'tunnel' | 'isInsideTunnel'>
}

/** Makes the server ready to be started; its key is kept in the vault. */
export function openWireguard(settings: WireguardSettings, { vault, database }: Storage): WireguardSide {
  const privateKey = vault.ownKey('wireguard', newServerKey)
  const peers = peersOf(database, settings.subnetCidr)
  const { server } = peers
  return {
    network: new WireguardTailnet({
      privateKey,
      listenPort: settings.listenPort,
      addresses: [server.address4, server.address6],
      mtu: serverMtu,
    }),
    peers,
    facts: tunnelFacts({ wireguard: settings, server, publicKey: serverPublicKey(privateKey), mtu: tunnelMtu }),
  }
}

/** @throws ClawError CP_NATIVE when the port cannot be had */
export async function startWireguard(
  { network }: WireguardSide,
  handlers: TailnetHandlers,
  { listenPort }: WireguardSettings,
): Promise<void> {
  try {
    await network.start(handlers, new AbortController().signal)
  } catch (error) {
    const cause = error instanceof Error ? error.message : String(error)
    throw new ClawError('CP_NATIVE', `Cannot listen on UDP port ${listenPort} for WireGuard: ${cause}`, {
      cause: error,
      hint: 'end the program that uses the port (ss -ulpn), or set listen_port in the wireguard block',
    })
  }
}

/** Peers of runs, for as long as the gateway runs. @param opened told of each new one */
export function wireguardRuns({ peers, network }: WireguardSide, opened: () => void): Runs {
  return runs({ peers, transport: network, opened })
}

/** Runs of a gateway without WireGuard. */
export const noRuns: RunDesk = {
  open: () => Promise.reject(new ClawError('CP_ONBOARD', 'Cannot start a run: this gateway has no WireGuard')),
  close: () => Promise.resolve(false),
}
