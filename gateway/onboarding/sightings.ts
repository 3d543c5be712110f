import type { DeviceId } from '../../workers/contract/ids.ts'
import type { Peer } from '../store/peers.ts'
import type { TailnetNodeRow } from '../store/tailnet-nodes.ts'
import type { LivePeer } from './transport.ts'

/** Addresses each device and its runs are heard from now; devices that are silent are not in it. */
export type Sightings = ReadonlyMap<DeviceId, readonly string[]>

/** Where peers on record are, as the WireGuard server hears them: only what a peer's key has signed moves it. */
export function sightedPeers(peers: readonly Peer[], live: readonly LivePeer[]): Sightings {
  const endpoints = new Map(live.map(({ publicKey, endpoint }) => [publicKey, endpoint]))
  return byDevice(peers.map(({ device, publicKey }) => [device, endpoints.get(publicKey)]))
}

/** @param endpoints `ip:port` by stable id */
export function sightedNodes(nodes: readonly TailnetNodeRow[], endpoints: ReadonlyMap<string, string>): Sightings {
  return byDevice(nodes.map(({ device, stableId }) => [device, endpoints.get(stableId)]))
}

function byDevice(seen: readonly (readonly [device: DeviceId, endpoint: string | undefined])[]): Sightings {
  const sightings = new Map<DeviceId, readonly string[]>()
  for (const [device, endpoint = ''] of seen) {
    const address = addressOf(endpoint)
    if (address !== '') sightings.set(device, [...new Set([...(sightings.get(device) ?? []), address])])
  }
  return sightings
}

/** `[2001:db8::7]:51820` and `198.51.100.7:51820` without the port. */
function addressOf(endpoint: string): string {
  return endpoint.replace(/:\d+$/, '').replace(/^\[|\]$/g, '')
}
