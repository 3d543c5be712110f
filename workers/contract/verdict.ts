import type { ActionId, ApproverName, RuleName } from './ids.ts'

/**
 * Who or what decided. `pending`: a rule hangs on facts that are known when the action runs, so it may be prepared; it is
 * judged again then.
 */
export type Decider =
  | { readonly by: 'rule'; readonly rule: RuleName }
  | { readonly by: 'default'; readonly setting: 'no_rule' | 'unmatched' | 'unknown_host' | 'pending' }
  | { readonly by: 'failsafe'; readonly cause: FailsafeCause; readonly rule: RuleName | null }

/** Why something that could not be decided was denied. */
export type FailsafeCause =
  | 'unevaluable'
  | 'approval_unavailable'
  | 'host_lost'
  | 'recorder_stalled'
  | 'secret_missing'
  | 'endpoint_gone'
  | 'malformed'

/** How much of a result an allowed statement may give: what would be more ends it with an error. */
export interface ResultLimits {
  readonly rows?: number
  readonly bytes?: number
}

export interface Allow {
  readonly kind: 'allow'
  readonly decider: Decider
  /** Absent: as much as there is. */
  readonly limits?: ResultLimits
}

export interface Deny {
  readonly kind: 'deny'
  readonly decider: Decider
  /** Text for the agent: why, in words. */
  readonly reason: string
}

/** Approvers have to be asked, in this order; all must allow. */
export interface Ask {
  readonly kind: 'ask'
  readonly decider: Decider
  readonly approvers: readonly [ApproverName, ...ApproverName[]]
  /** Shown to approvers: why they are asked. */
  readonly reason: string
  /** Holds once they allow it. */
  readonly limits?: ResultLimits
}

/** What the rules say of an action. */
export type Verdict = Allow | Deny | Ask

/** A shadow rule that would have decided, had it been in force. It never does. */
export interface ShadowHit {
  readonly rule: RuleName
  /** `failsafe`: it could not be evaluated, and would have denied for that. */
  readonly would: 'allow' | 'deny' | 'ask' | 'failsafe'
}

/** Everything judging an action yields. */
export interface Judgement {
  readonly verdict: Verdict
  /** In the order they were reached, before the rule that decided; at most `mostShadowHits`. */
  readonly shadows: readonly ShadowHit[]
  /** Counters that `rate()` read on the way; when the action is allowed in the end, each counts it. */
  readonly rated: readonly RateCounter[]
}

/** More shadow rules than these are not recorded of one action. */
export const mostShadowHits = 16

/** A counter of allowed actions that conditions read: `rate("deletes", "10m")`. */
export interface RateCounter {
  /** First argument: counters of the same name and scope are one, whichever rules and endpoints name them. */
  readonly name: string
  readonly windowMs: number
  /** Whose actions are counted together. */
  readonly per: 'device' | 'profile'
}

/** What holds once everyone who had to be asked has answered. Only an Allow ruling can become a Permit. */
export type Ruling = Allow | Deny

declare const permitted: unique symbol

/** Leave to send one action upstream. Made by `workers/rules/gate.ts` alone, redeemed once. */
export interface Permit {
  readonly action: ActionId
  readonly [permitted]: true
}

export interface Granted extends Allow {
  readonly permit: Permit
}

/** Name of the rule that decided, or a bracketed word for what decided instead. */
export function deciderLabel(decider: Decider): string {
  switch (decider.by) {
    case 'rule':
      return decider.rule
    case 'default':
      return `(${decider.setting})`
    case 'failsafe':
      return decider.rule === null ? `(${decider.cause})` : `${decider.rule} (${decider.cause})`
    default:
      return decider satisfies never
  }
}
