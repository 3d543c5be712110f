import type { ActionId, CredentialName, EndpointName, EpochMs, FlowId } from './ids.ts'
import type { Ruling, ShadowHit, Verdict } from './verdict.ts'

/** Plain data a rule or a record can hold. */
export type Fact = string | number | bigint | boolean | null | readonly Fact[] | { readonly [key: string]: Fact }

/** The CEL variables of one action, e.g. `{ http: { method, path, … } }`. Members may be lazy getters. */
export type Facts = { readonly [variable: string]: object }

/** A fact that could not be determined. Unknown is never absent: a rule that needs it denies. */
export interface Unknown {
  /** Path of the fact as rules write it, e.g. `http.body`. */
  readonly path: string
  readonly because: 'truncated' | 'unparsed' | 'undecodable' | 'streaming'
}

/** Where and when an action happens: variables of every rule besides those of its family. */
export interface ActionContext {
  /** Variable `profile`. */
  readonly profile: string
  /** Variable `device`: the device's name as its operator sees it. */
  readonly device: string
  /** Variable `endpoint`. */
  readonly endpoint: string
  /** Variable `now`. */
  readonly nowMs: number
}

/** One thing an agent wants to do, as a protocol decoder saw it. */
export interface Action {
  readonly id: ActionId
  readonly flow: FlowId
  readonly endpoint: EndpointName
  readonly protocol: string
  /** Credential chosen for it; rules with a credential predicate look at this. */
  readonly credential: CredentialName | null
  /** One line for people, e.g. `DELETE https://api.example.com/v1/users/7`. No query, no secret. */
  readonly title: string
  readonly facts: Facts
  readonly unknowns: readonly Unknown[]
  readonly at: EpochMs
}

/** The part of an action that is recorded: no lazy facts, no whole bodies. */
export interface RecordedAction {
  readonly id: ActionId
  readonly flow: FlowId
  /** null: a flow no endpoint claims, recorded by the gateway itself (spliced, relayed, refused). */
  readonly endpoint: EndpointName | null
  readonly protocol: string
  readonly credential: CredentialName | null
  readonly title: string
  /** Small plain facts to show and search: method, host, path, … */
  readonly facts: { readonly [name: string]: Fact }
  readonly unknowns: readonly Unknown[]
  readonly at: EpochMs
  /**
   * A `DescribedAction` as JSON text, from which the action can be judged again; text, since it is only stored. Sensitive
   * values are masked. Absent: it cannot be judged again.
   */
  readonly described?: string
  /** Shadow rules that would have decided it; absent: none. */
  readonly shadows?: readonly ShadowHit[]
}

/** First bytes of a body, for the record. */
export interface Sample {
  readonly bytes: Uint8Array
  /** Length of the whole body, bytes. */
  readonly total: number
  /** SHA-256 of the whole body, hex; null when it was not read to its end. */
  readonly sha256: string | null
  readonly contentType: string | null
}

/** Rows that a statement gave. */
export interface StatementResult {
  /** Names of their columns; null: the server did not say. */
  readonly columns: readonly string[] | null
  readonly rows: number
}

/** Largest sample of an event, bytes. */
export const mostSampleBytes = 4 * 1024 * 1024
/** Columns of a result that are named in the record. */
export const mostNamedColumns = 64
/** Longest text of an event, e.g. the name of a column or why an action failed, UTF-16 units. */
export const longestText = 16_384

/** What a worker reports about an action over its life, in this order; `ruled` only where approvers answered. */
export type ActionEvent =
  | {
      readonly kind: 'opened'
      readonly action: RecordedAction
      readonly verdict: Verdict
      /** The same object for begins that differ in id and time alone. Main finds it out; a worker sends none. */
      readonly like?: object
    }
  | { readonly kind: 'ruled'; readonly action: ActionId; readonly ruling: Ruling }
  | {
      readonly kind: 'frame'
      readonly action: ActionId
      readonly direction: 'up' | 'down'
      readonly sample: Sample
      readonly at: EpochMs
    }
  | {
      readonly kind: 'closed'
      readonly action: ActionId
      /** Protocol status, e.g. `200`; `denied`; or `error`. */
      readonly status: string
      /** Cause in words when it failed; no header value, no body. */
      readonly error: string | null
      readonly bytesUp: number
      readonly bytesDown: number
      readonly request: Sample | null
      readonly response: Sample | null
      /** Of a statement: what it gave to the agent; absent: nothing, or that is not told. */
      readonly result?: StatementResult
      readonly at: EpochMs
    }
