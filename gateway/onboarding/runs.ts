import type { RunDesk } from '../../onboard/server/ports.ts'
import { ClawError } from '../../workers/contract/errors.ts'
import { newId } from '../../workers/contract/new-id.ts'
import type { Peer, Peers } from '../store/peers.ts'
import { allowedIps, type PeerTransport } from './transport.ts'

/** Runs one device may have at the same time. */
export const maxRunsPerDevice = 64
/** A run that never shook hands is swept after this. */
export const firstHandshakeMs = 600_000
/** A run is swept when it was silent for this: WireGuard with keepalive shakes hands every two minutes. */
export const silentMs = 3 * 180_000

/** What peers of runs are made of. */
export interface RunParts {
  readonly peers: Peers
  readonly transport: PeerTransport
  readonly now?: () => number
  /** How often silent runs are looked for. */
  readonly sweepEveryMs?: number
  /** Told how many were swept, when there were any. */
  readonly swept?: (count: number) => void
}

/** Peers of runs: made, ended, and swept when their client died without a word. Owns its sweep timer. */
export interface Runs extends RunDesk, AsyncDisposable {
  /** Drops silent runs; @returns how many. */
  sweep(): Promise<number>
}

/** Keeps the peers of runs. */
export function runs({ peers, transport, now = Date.now, sweepEveryMs = 60_000, swept }: RunParts): Runs {
  const drop = async (peer: Peer) => {
    peers.remove(peer.publicKey)
    await transport.removePeer(peer.publicKey)
  }
  const sweep = async () => {
    const handshakes = new Map((await transport.peers()).map((live) => [live.publicKey, live.lastHandshakeMs ?? 0]))
    let count = 0
    for (const peer of peers.list()) {
      if (!peer.ephemeral) continue
      const last = handshakes.get(peer.publicKey) ?? 0
      const silent = last === 0 ? now() - peer.createdAt > firstHandshakeMs : now() - last > silentMs
      if (!silent) continue
      await drop(peer)
      count += 1
    }
    if (count > 0) swept?.(count)
    return count
  }
  let sweeping: Promise<unknown> = Promise.resolve()
  const timer = setInterval(() => {
    sweeping = sweep().catch(() => undefined)
  }, sweepEveryMs)
  timer.unref()
  return {
    async open({ device, publicKey }) {
      const live = peers.listOf(device).filter(({ ephemeral }) => ephemeral)
      if (live.length >= maxRunsPerDevice)
        throw new ClawError('CP_LIMIT', `Cannot start another run: the device has ${live.length} already`)
      if (peers.get(publicKey) !== null)
        throw new ClawError('CP_ONBOARD', 'Cannot start a run: its key is in use already')
      const peer = peers.allocate({ publicKey, device, ephemeral: true, run: newId() })
      try {
        await transport.addPeer({ publicKey, allowedIps: allowedIps(peer) })
      } catch (error) {
        peers.remove(publicKey)
        throw error
      }
      return {
        id: peer.run ?? '',
        address4: peer.address4,
        address6: peer.address6,
        expiresS: firstHandshakeMs / 1000,
      }
    },
    async close(device, id) {
      const peer = peers.byRun(id)
      if (peer === null || peer.device !== device) return false
      await drop(peer)
      return true
    },
    sweep,
    async [Symbol.asyncDispose]() {
      clearInterval(timer)
      await sweeping
    },
  }
}
