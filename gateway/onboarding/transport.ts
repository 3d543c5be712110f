/** The live WireGuard server as far as enrolment needs it; `WireguardTailnet` fulfils it. */
export interface PeerTransport {
  addPeer(peer: { readonly publicKey: string; readonly allowedIps: readonly string[] }): void | Promise<void>
  /** Ends the peer's flows with it. No-op for a key that is not there. */
  removePeer(publicKey: string): void | Promise<void>
  peers(): readonly LivePeer[] | Promise<readonly LivePeer[]>
}

/** A peer as the server sees it now. */
export interface LivePeer {
  readonly publicKey: string
  /** Where its datagrams come from; null: it never said anything. */
  readonly endpoint: string | null
  /** Epoch, ms; 0 or null: never. */
  readonly lastHandshakeMs: number | null
}

/** The addresses a peer may use, as WireGuard wants them. */
export function allowedIps(peer: { readonly address4: string; readonly address6: string }): readonly string[] {
  return [`${peer.address4}/32`, `${peer.address6}/128`]
}
