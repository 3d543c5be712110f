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
  /** Copies datagrams both ways inside the binding until idle for `idleMs`. */
  relay(to: Address, idleMs: number): Promise<RelayResult>
  drop(): void
  abort(): void
}

/** One DNS query sent to any address on UDP port 53. */
export interface IncomingQuery {
  readonly from: Address
  readonly to: Address
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
