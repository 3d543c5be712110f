import type { ActionId, RuleName } from './ids.ts'

/** Who or what decided. */
export type Decider =
  | { readonly by: 'rule'; readonly rule: RuleName }
  | { readonly by: 'default'; readonly setting: 'no_rule' | 'unknown_host' }
  | { readonly by: 'failsafe'; readonly cause: FailsafeCause; readonly rule: RuleName | null }

/** Why something that could not be decided was denied. */
export type FailsafeCause =
  | 'unevaluable'
  | 'host_lost'
  | 'recorder_stalled'
  | 'secret_missing'
  | 'endpoint_gone'
  | 'malformed'

export interface Allow {
  readonly kind: 'allow'
  readonly decider: Decider
}

export interface Deny {
  readonly kind: 'deny'
  readonly decider: Decider
  /** Text for the agent: why, in words. */
  readonly reason: string
}

/** What the rules say of an action. */
export type Verdict = Allow | Deny

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
