import type { ResultLimits } from '../../contract/verdict.ts'
import type { Undo } from './prepared.ts'
import type { Amount } from './tally.ts'

/** How a statement ended. */
export interface Outcome {
  /** Command tag or SQLSTATE. */
  readonly status: string
  /** Why it did not run, or not to its end; null: the server says how it went. */
  readonly error: string | null
  /** Of COPY: bytes of its data. */
  readonly copiedIn: number
  readonly bytesDown: number
  /** Rows it gave, to the agent. */
  readonly rows?: number
  /** Names of their columns where the server told them just now. */
  readonly columns?: readonly string[] | null
}

/** How a statement ended that gave more than it may: stopped; run to its end, for good; or with the session. */
export type Ending = 'stopped' | 'done' | 'fatal'

/** What a rule lets a statement give. */
export interface Limit {
  readonly limits: ResultLimits
  /** What the agent is told of one that would give more. */
  readonly told: (over: keyof ResultLimits, ending: Ending) => Buffer
}

/** One statement that was sent. */
export interface Sent {
  /** Takes back what it was thought to do to names. */
  readonly undo: Undo | null
  /** Called when the server did it. */
  readonly done: (() => void) | null
  readonly close: ((outcome: Outcome) => void) | null
  readonly limit?: Limit | null
  /** What its portal gave so far, all executions together. */
  readonly given?: Amount | null
}

/** A message that was sent, and what the server owes for it. */
export interface Owed {
  readonly kind: 'query' | 'parse' | 'bind' | 'describe' | 'close' | 'execute' | 'sync' | 'copyEnd' | 'denied'
  /** One for each statement of a query, one at most for anything else. */
  readonly statements: readonly Sent[]
  /** Of a query that ends when the server is ready, whatever it completes before. */
  readonly form?: 'replication' | 'call' | null
  /** Of a describe: what to call with the ParameterDescription, and with names of columns. */
  readonly described?: (body: Buffer) => void
  readonly columns?: (names: readonly string[]) => void
  /** Of a query or sync: the stretch that ends with it. */
  readonly stretch?: number
  /** What the agent gets in place of the error a denied message provokes, and who is told whether it came to that. */
  readonly answer?: Buffer
  readonly settled?: (wasAnswered: boolean) => void
}
