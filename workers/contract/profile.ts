import type { ApproverName, CredentialName, EndpointName, ProfileName, RuleName, TunnelName } from './ids.ts'
import type { ResultLimits } from './verdict.ts'

/** What a rule does when it matches. */
export type Outcome =
  | { readonly do: 'allow'; readonly limits?: ResultLimits }
  | { readonly do: 'deny'; readonly reason: string }
  | {
      readonly do: 'ask'
      readonly approvers: readonly [ApproverName, ...ApproverName[]]
      readonly reason: string
      readonly limits?: ResultLimits
    }

/** One enabled rule of an endpoint. */
export interface Rule {
  readonly name: RuleName
  readonly priority: number
  /** CEL condition; null matches every action. */
  readonly when: string | null
  /** The rule applies only to actions dispatched with this credential; null: to all. */
  readonly credential: CredentialName | null
  readonly outcome: Outcome
  /** shadow: evaluated and recorded, never decides. */
  readonly mode: 'enforce' | 'shadow'
}

/** A credential as a profile may use it on one endpoint. Holds no secret. */
export interface CredentialUse {
  readonly name: CredentialName
  readonly type: string
  readonly settings: unknown
  /** Constraints that pick this credential among several, e.g. `{ placeholder: 'PH_live' }`; empty = fallback. */
  readonly disambiguator: { readonly [field: string]: string }
}

/** One declared upstream with everything a worker needs to serve it. */
export interface Endpoint {
  readonly name: EndpointName
  /** Protocol type, the first label of the block: `https`. */
  readonly protocol: string
  /** Names as declared, lower case: `a.example`, `a.example:8443`, `*.example.com`, `192.0.2.1`. */
  readonly hosts: readonly string[]
  readonly settings: unknown
  readonly credentials: readonly CredentialUse[]
  /** In the order they are tried: priority descending, then declaration. */
  readonly rules: readonly Rule[]
  /** What becomes of an action no rule matches. */
  readonly unmatched: 'allow' | 'deny'
  /** How the upstream is reached; null: directly. */
  readonly via: TunnelName | null
}

export interface Limits {
  /** Bytes of a body that rules see; beyond it the body is unknown. */
  readonly inspectBytes: number
  /** Bytes of a body that are recorded. */
  readonly sampleBytes: number
  readonly flowsPerThread: number
  readonly threads: number
  readonly heapMb: number
  /** A pool without flows for this long is dropped. */
  readonly idleMs: number
}

/** Everything one tenant may reach, as plain data. Structured-clone safe. */
export interface Profile {
  readonly name: ProfileName
  /** Hash of the compiled policy; changes whenever anything in it does. */
  readonly revision: string
  readonly endpoints: readonly Endpoint[]
  readonly unknownHost: 'splice' | 'deny'
  readonly limits: Limits
}
