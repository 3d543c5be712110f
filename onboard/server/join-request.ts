import type { StartRequest, Transport } from '../protocol.ts'
import type { Input } from './input.ts'
import type { WantedTransport } from './ports.ts'

/** What a join attempt asks for, its transport decided. */
export interface JoinRequest {
  readonly hostname: string
  /** base64url(SHA-256(nonce)) */
  readonly nonceHash: string
  readonly suggestedProfile: string | null
  readonly transport: WantedTransport
  readonly isWholeMachine: boolean
}

/**
 * Decides the transport of a join: the one asked for, else WireGuard where there is one.
 * @param on the transports this gateway has, the one it prefers first
 */
export function joinRequestOf(start: StartRequest, on: readonly Transport[]): Input<JoinRequest> {
  const wanted = start.transport ?? on[0]
  if (wanted === undefined || !on.includes(wanted))
    return wrong(`transport ${wanted ?? ''} is off: this gateway has ${on.length === 0 ? 'none' : on.join(' and ')}`)
  const isWholeMachine = start.whole_machine === '1'
  if (wanted === 'wireguard' && start.wg_pub === undefined) return wrong('missing or malformed wg_pub')
  return {
    kind: 'right',
    value: {
      hostname: start.hostname,
      nonceHash: start.client_nonce_hash,
      suggestedProfile: start.profile ?? null,
      transport:
        wanted === 'wireguard'
          ? { kind: 'wireguard', publicKey: start.wg_pub ?? '', isWholeMachine }
          : { kind: 'tailscale', isWholeMachine },
      isWholeMachine,
    },
  }
}

function wrong(why: string): Input<JoinRequest> {
  return { kind: 'wrong', why, status: 400 }
}
