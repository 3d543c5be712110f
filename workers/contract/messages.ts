import type { ActionEvent } from './action.ts'
import type { Fault } from './errors.ts'
import type { Flow, Route } from './flow.ts'
import type { Address, CredentialName, EndpointName, Fd, FlowId } from './ids.ts'
import type { Profile } from './profile.ts'
import type { RateCounter } from './verdict.ts'

/**
 * One flow handed to a worker: the Piscina task.
 * Main owns `fd` (and closes it) until the worker posts `started`; afterwards the worker owns it.
 */
export interface FlowTask {
  readonly flow: Flow
  readonly route: Extract<Route, { kind: 'inspect' }>
  /** Revision the gateway routed it by; a thread that holds another asks for the profile first. */
  readonly revision: string
  readonly fd: Fd
}

/** How a flow went; the result of the Piscina task. */
export interface FlowReport {
  readonly flow: FlowId
  readonly bytesUp: number
  readonly bytesDown: number
  readonly actions: number
  readonly endedBy: 'peer' | 'upstream' | 'deny' | 'cancel' | 'fault'
  readonly fault: Fault | null
}

/** Slots of a credential's secret; the unnamed slot is `''`. */
export type Secret = { readonly [slot: string]: string }

/** A TLS server identity, PEM. `chain` is leaf then CA. */
export interface Certificate {
  readonly key: string
  readonly chain: string
  /** Ask again after this, epoch ms. */
  readonly renewAt: number
}

/** What a worker may ask of main; every call is checked against the thread's own profile. */
export interface HostCalls {
  profile: { request: Record<string, never>; reply: Profile }
  /** Opens a TCP connection to the endpoint's upstream. `to.host` is the requested host name or address. */
  dial: { request: { endpoint: EndpointName; to: Address }; reply: Fd }
  certificate: { request: { serverName: string }; reply: Certificate }
  /** null: no secret is stored for it. */
  secret: { request: { credential: CredentialName }; reply: Secret | null }
  /**
   * How many allowed actions each counter has seen in its window, in their order; the counters stay locked for others
   * until the thread answers with `rated`, or for `rateLockMs`.
   */
  rates: { request: { counters: readonly RateCounter[] }; reply: RateReading }
}

/** Counters one endpoint may name. */
export const mostCounters = 64

/** Counts of allowed actions, and the ticket under which they are to be settled. */
export interface RateReading {
  readonly ticket: number
  /** -1 where there was no room for the counter: what reads it cannot be evaluated. */
  readonly counts: readonly number[]
}

/** Counters that were read and not settled are free again after this; what was read then counts as allowed, ms. */
export const rateLockMs = 1000

export type HostCallName = keyof HostCalls
export type HostCall = {
  [N in HostCallName]: { readonly name: N; readonly flow: FlowId | null; readonly request: HostCalls[N]['request'] }
}[HostCallName]

/** Worker → main, over the thread's one port (one port per thread: libuv walks every async handle on each wake-up). */
export type ToHost =
  | { readonly kind: 'started'; readonly flow: FlowId }
  | { readonly kind: 'call'; readonly id: number; readonly call: HostCall }
  /** Events that do not fit into the shared memory (`record-ring.ts`). */
  | { readonly kind: 'record'; readonly events: readonly ActionEvent[] }
  /** There is something in the shared memory. */
  | { readonly kind: 'left' }
  /** Settles a reading: `counted[i]` tells whether the action counts for its counter i. */
  | { readonly kind: 'rated'; readonly ticket: number; readonly counted: readonly boolean[] }
  /** `externalBytes`: memory of the thread outside its heap (Buffers), which no heap limit bounds. */
  | { readonly kind: 'pong'; readonly seq: number; readonly externalBytes: number }

/** Events a thread may have on their way to the record: left or posted, and not yet written. */
export const recordCredit = 4096

/** Main → worker, over the same port. */
export type Control =
  | { readonly kind: 'reply'; readonly id: number; readonly value: unknown }
  | { readonly kind: 'failed'; readonly id: number; readonly fault: Fault }
  | { readonly kind: 'cancel'; readonly flow: FlowId; readonly because: string }
  | { readonly kind: 'profile'; readonly profile: Profile }
  /** Secrets changed: forget cached ones. */
  | { readonly kind: 'forget'; readonly credentials: readonly CredentialName[] }
  /** Events were written, and an action waits for room (back-pressure). */
  | { readonly kind: 'recorded' }
  /** Whether the recorder can write at all; while it cannot, actions are denied. */
  | { readonly kind: 'recorder'; readonly healthy: boolean }
  | { readonly kind: 'ping'; readonly seq: number }

/** Worker → main once per thread, through `parentPort`, carrying the thread's port. */
export interface Hello {
  readonly kind: 'clawpatrol.hello'
  readonly threadId: number
  /** Where the thread leaves its records (`record-ring.ts`). */
  readonly records: SharedArrayBuffer
}
