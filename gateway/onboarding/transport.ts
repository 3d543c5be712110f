/** The live WireGuard server as far as enrolment needs it; `WireguardTailnet` fulfils it. */
export interface PeerTransport {
  /** Lets a peer send from exactly these addresses, replacing what it had. */
  addPeer(publicKey: string, addresses: readonly string[]): Promise<void>
  /** Ends the peer's flows with it. No-op for a key that is not there. */
  removePeer(publicKey: string): Promise<void>
  peers(): readonly LivePeer[]
}

/** A peer as the server sees it now. */
export interface LivePeer {
  readonly publicKey: string
  /** Address and port it was last heard from; empty: never. */
  readonly endpoint: string
  /** Milliseconds since 1970; 0: never. */
  readonly lastHandshakeMs: number
}
