import type { Address, Fd } from '../../workers/contract/ids.ts'

/** How a flow that stayed inside the binding went. */
export interface RelayResult {
  readonly bytesUp: number
  readonly bytesDown: number
  readonly endedBy: 'peer' | 'upstream' | 'abort' | 'dial'
  /** Why dialling or copying failed; null when both sides closed in order. */
  readonly error: string | null
}

/**
 * A TCP flow announced to us before its handshake is answered.
 * Exactly one of `take`, `relay` and `refuse` must follow, at most after one `peek`.
 */
export interface IncomingFlow {
  readonly from: Address
  readonly to: Address
  /** Stable id of the tailnet node it comes from; null where the address alone says who it is. */
  readonly node: string | null
  /**
   * Completes the handshake and waits for the first bytes, which stay queued for whoever takes the flow.
   * Resolves with what has arrived when `enough` says so, at `maxBytes`, on end of stream or after `timeoutMs`.
   */
  peek(limits: {
    readonly maxBytes: number
    readonly timeoutMs: number
    readonly enough: (bytes: Uint8Array) => boolean
  }): Promise<Uint8Array>
  /** A stream socket carrying the flow's bytes, peeked ones first. The caller owns it. */
  take(): Promise<Fd>
  /** Dials, then copies both ways inside the binding; a failed dial resets an unanswered flow. Resolves at the end. */
  relay(to: Address, timeoutMs: number): Promise<RelayResult>
  /** Resets it: the client sees connection refused, or a reset after a peek. */
  refuse(): void
  /** Ends a taken or relayed flow at once with a reset. No-op when it is over. */
  abort(): void
}

/** First datagram of a UDP 5-tuple that is not DNS. Exactly one of `relay` and `drop` must follow. */
export interface IncomingDatagrams {
  readonly from: Address
  readonly to: Address
  /** As in `IncomingFlow`. */
  readonly node: string | null
  /** Copies datagrams both ways inside the binding until idle for `idleMs`. */
  relay(to: Address, idleMs: number): Promise<RelayResult>
  drop(): void
  abort(): void
}

/** One DNS query sent to any address on UDP port 53. */
export interface IncomingQuery {
  readonly from: Address
  readonly to: Address
  /** As in `IncomingFlow`. */
  readonly node: string | null
  readonly payload: Uint8Array
  reply(payload: Uint8Array): void
}

export interface TailnetHandlers {
  flow(flow: IncomingFlow): void
  datagrams(datagrams: IncomingDatagrams): void
  query(query: IncomingQuery): void
}

/** A network that brings agents' traffic here: WireGuard, a tailnet, or loopback for tests. Main thread only. */
export interface Tailnet extends AsyncDisposable {
  start(
    handlers: TailnetHandlers,
    signal: AbortSignal,
  ): Promise<{ readonly addresses: readonly string[]; readonly name: string }>
  /** Opens a TCP connection from this host; a kernel socket, owned by the caller. */
  dial(to: Address, timeoutMs: number): Promise<Fd>
  /** Counters for status and metrics. */
  stats(): {
    readonly flows: number
    readonly accepted: number
    readonly refused: number
    readonly bytesUp: number
    readonly bytesDown: number
  }
}

/** A node of the tailnet as its control server vouches for it. */
export interface TailnetNode {
  /** Never given to another node. */
  readonly stableId: string
  /** First label of its name in the tailnet. */
  readonly name: string
  /** What the machine calls itself: a claim, no proof. */
  readonly hostname: string
  /** Login of its owner; null for tagged nodes, which belong to nobody. */
  readonly user: string | null
  readonly tags: readonly string[]
  readonly addresses: readonly string[]
}

/** A connection to one of our own ports in the tailnet or on the internet. */
export interface IncomingConnection {
  /** A stream socket that carries it; the receiver owns it. */
  readonly fd: Fd
  /** Real source, also behind Funnel. */
  readonly from: Address
  /** Stable id of the node it comes from; null for the internet. */
  readonly node: string | null
}

/** How the gateway's own node is doing. */
export interface NodeStatus {
  /** Running, NeedsLogin, NeedsMachineAuth, Starting, Stopped … as the control plane calls it. */
  readonly state: string
  readonly addresses: readonly string[]
  /** Full name in the tailnet without the dot at its end; empty until known. */
  readonly name: string
  readonly stableId: string
  /** Names it can have public certificates for. */
  readonly certDomains: readonly string[]
  /** What the control plane or the node itself complains about, in words. */
  readonly health: readonly string[]
  /** Routes that are both advertised and approved, as this node sees them. */
  readonly approvedRoutes: readonly string[]
}

/** The gateway's node in a tailnet. */
export interface NodeNetwork extends Tailnet {
  /** Who is behind an address right now; null: nobody in the tailnet. */
  whois(address: string): Promise<TailnetNode | null>
  /** Where each node is reached directly now, `ip:port` by stable id; none for those that a relay carries. */
  endpoints(): Promise<ReadonlyMap<string, string>>
  /** Serves one of our own ports; `funnel` is reached from the internet only, TLS already taken off. */
  listen(
    port: number,
    reach: 'tailnet' | 'funnel',
    onConnection: (connection: IncomingConnection) => void,
  ): Promise<AsyncDisposable>
  /** Replaces the prefixes it offers to route. */
  advertise(routes: readonly string[]): Promise<void>
  status(): Promise<NodeStatus>
  /** Ends every live flow and connection of a node. */
  endNode(stableId: string): void
}
