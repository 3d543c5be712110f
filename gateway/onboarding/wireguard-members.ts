import { ClawError } from '../../workers/contract/errors.ts'
import type { DeviceId } from '../../workers/contract/ids.ts'
import type { Peer, Peers } from '../store/peers.ts'
import type { PeerTransport } from './transport.ts'

/** Devices' peers, on record and in the live WireGuard server, as enrolment changes them. */
export interface WireguardMembers {
  listOf(device: DeviceId): readonly Peer[]
  /** @throws ClawError CP_ONBOARD when the key is another device's than this one; null: than any */
  mustBeFree(publicKey: string, device: DeviceId | null): void
  /** The device's own peer. @throws ClawError CP_ONBOARD when no address is free */
  add(publicKey: string, device: DeviceId): Promise<{ readonly address4: string; readonly address6: string }>
  /** Out of the server; with `all` also its own peer off the record, which otherwise stays for when it is let back in. */
  remove(device: DeviceId, which: 'all' | 'ephemeral'): Promise<void>
  /** Out of the server: they are off the record already. */
  drop(peers: readonly Peer[]): Promise<void>
  letBackIn(device: DeviceId): Promise<void>
  /** After a start. @returns how many */
  restore(isLetIn: (device: DeviceId) => boolean): Promise<number>
  /** IPv4 address of the device's own peer, null when it has none. */
  addressOf(device: DeviceId): string | null
}

/** Keeps what devices have in WireGuard. */
export function wireguardMembers(peers: Peers, transport: PeerTransport): WireguardMembers {
  const admit = ({ publicKey, address4, address6 }: Peer) => transport.addPeer(publicKey, [address4, address6])
  return {
    listOf: (device) => peers.listOf(device),
    mustBeFree(publicKey, device) {
      const holder = peers.get(publicKey)
      if (holder !== null && holder.device !== device)
        throw new ClawError('CP_ONBOARD', 'Cannot let the device in: its key is in use by another device')
    },
    async add(publicKey, device) {
      const peer = peers.allocate({ publicKey, device, ephemeral: false, run: null })
      await admit(peer)
      return { address4: peer.address4, address6: peer.address6 }
    },
    async remove(device, which) {
      for (const peer of peers.listOf(device)) {
        await transport.removePeer(peer.publicKey)
        if (which === 'all' || peer.ephemeral) peers.remove(peer.publicKey)
      }
    },
    async drop(gone) {
      for (const { publicKey } of gone) await transport.removePeer(publicKey)
    },
    async letBackIn(device) {
      for (const peer of peers.listOf(device)) await admit(peer)
    },
    async restore(isLetIn) {
      peers.removeEphemeral()
      let count = 0
      for (const peer of peers.list()) {
        if (!isLetIn(peer.device)) continue
        await admit(peer)
        count += 1
      }
      return count
    },
    addressOf: (device) => peers.listOf(device).find(({ ephemeral }) => !ephemeral)?.address4 ?? null,
  }
}
