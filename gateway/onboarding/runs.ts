import type { RunDesk } from '../../onboard/server/ports.ts'
import { ClawError } from '../../workers/contract/errors.ts'
import { newId } from '../../workers/contract/new-id.ts'
import type { Peer, Peers } from '../store/peers.ts'
import type { PeerTransport } from './transport.ts'

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
  /** A clock that is never set, ms: one that jumps must not end live runs. */
  readonly monotonic?: () => number
  /** How often silent runs are looked for. */
  readonly sweepEveryMs?: number
  /** Told of each new run. */
  readonly opened?: () => void
  /** Told how many were swept, when there were any. */
  readonly swept?: (count: number) => void
}

/** Peers of runs: made, ended, and swept when their client died without a word. Owns its sweep timer. */
export interface Runs extends RunDesk, AsyncDisposable {
  /** Drops silent runs; @returns how many. */
  sweep(): Promise<number>
}

/** Keeps the peers of runs. */
export function runs({ peers, transport, monotonic, sweepEveryMs = 60_000, opened, swept }: RunParts): Runs {
  const now = monotonic ?? (() => performance.now())
  /** The handshake last seen of each run, and since when it is the last. */
  const heard = new Map<string, { readonly handshake: number; readonly since: number }>()
  const drop = async ({ publicKey }: Peer) => {
    heard.delete(publicKey)
    peers.remove(publicKey)
    await transport.removePeer(publicKey)
  }
  const isSilent = ({ publicKey }: Peer, handshake: number) => {
    const before = heard.get(publicKey)
    if (before?.handshake !== handshake) {
      heard.set(publicKey, { handshake, since: now() })
      return false
    }
    return now() - before.since > (handshake === 0 ? firstHandshakeMs : silentMs)
  }
  const sweep = async () => {
    const handshakes = new Map(transport.peers().map((live) => [live.publicKey, live.lastHandshakeMs]))
    const live = peers.list().filter(({ ephemeral }) => ephemeral)
    const keys = new Set(live.map(({ publicKey }) => publicKey))
    for (const key of heard.keys()) if (!keys.has(key)) heard.delete(key)
    const silent = live.filter((peer) => isSilent(peer, handshakes.get(peer.publicKey) ?? 0))
    for (const peer of silent) await drop(peer)
    if (silent.length > 0) swept?.(silent.length)
    return silent.length
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
      heard.set(publicKey, { handshake: 0, since: now() })
      try {
        await transport.addPeer(publicKey, [peer.address4, peer.address6])
      } catch (error) {
        await drop(peer).catch(() => undefined)
        throw error
      }
      opened?.()
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
