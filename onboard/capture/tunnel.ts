import { hideMemory, startClient } from 'tsnet-bindings'
import type { Fd } from '../../workers/contract/ids.ts'
import type { TunnelSession } from './capture.ts'

export { tunnelMtu } from 'tsnet-bindings'

/** Both ends of one run's tunnel. */
export interface TunnelPeers {
  /** base64 */
  readonly privateKey: string
  /** base64 */
  readonly serverPublicKey: string
  /** `host:port`; host is an IP literal, in brackets when IPv6. */
  readonly endpoint: string
  /** Seconds; 0 sends none. */
  readonly keepaliveS: number
}

/** Makes the `attach` of a captured run: packets of its TUN go to the gateway through WireGuard. */
export function attachTunnel(peers: TunnelPeers): (tunFd: Fd) => Promise<TunnelSession> {
  const { privateKey, serverPublicKey, endpoint, keepaliveS } = peers
  return (tunFd) => {
    // the join's token and this run's key are in it, and the command runs as the same user
    hideMemory()
    return startClient({ privateKey, serverPublicKey, endpoint, tunFd, keepaliveS })
  }
}
