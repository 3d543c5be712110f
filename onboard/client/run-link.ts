import type { Fd } from '../../workers/contract/ids.ts'
import type { HiddenDir, TunnelSession, TunnelView } from '../capture/capture.ts'
import type { PushedVariable } from '../protocol.ts'

/** The way of one run into its gateway, ready to be attached to the run's TUN. */
export interface RunLink {
  readonly tunnel: TunnelView
  readonly variables: readonly PushedVariable[]
  /** What the run keeps on this machine; the command sees none of it. */
  readonly hide: readonly HiddenDir[]
  /** Owns the descriptor, whatever the outcome. */
  attach(tunFd: Fd): Promise<TunnelSession>
  /** Gives back what the gateway and the network hold for the run; never rejects. */
  close(): Promise<void>
}

/** What a run says of itself. */
export interface RunName {
  /** Base name of the command. */
  readonly name: string
  /** Ends the set-up. */
  readonly signal: AbortSignal
}
