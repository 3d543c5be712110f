import type { Action } from '../contract/action.ts'
import type { RuleName } from '../contract/ids.ts'
import type { Rule } from '../contract/profile.ts'
import type { Deny, Verdict } from '../contract/verdict.ts'
import type { RuleSet } from './compile.ts'
import { evaluate, type Truth, type Unevaluable } from './evaluate.ts'
import { type FactView, viewFacts } from './facts.ts'

/** What rules are told of an action. */
export type Judgeable = Pick<Action, 'facts' | 'unknowns' | 'credential'>

/**
 * Applies the rules in their order: the first that matches decides, one that cannot be evaluated denies, and when none
 * matches the action is allowed. Never throws.
 */
export function judge(set: RuleSet, action: Judgeable): Verdict {
  try {
    const facts = viewFacts(set.dialect, action)
    for (const number of set.index.candidates(facts, action.credential)) {
      const rule = set.rules[number]
      if (rule === undefined) continue
      const truth = tryRule(set, number, { rule, facts, credential: action.credential })
      if (truth === true) return outcomeOf(rule)
      if (truth !== false) return unevaluable(rule.name, truth)
    }
    return { kind: 'allow', decider: { by: 'default', setting: 'no_rule' } }
  } catch {
    // nothing above should throw; were it to, nobody may profit
    return unevaluable(null, 'evaluation error')
  }
}

/** One rule and what it is tried on. */
export interface Trial {
  readonly rule: Rule
  readonly facts: FactView
  readonly credential: Action['credential']
}

/** Whether one rule matches. */
export function tryRule(set: RuleSet, number: number, { rule, facts, credential }: Trial): Truth {
  if (rule.credential !== null && rule.credential !== credential) return false
  try {
    const program = set.program(number)
    return program === null || evaluate(program, facts)
  } catch {
    return 'evaluation error'
  }
}

function outcomeOf({ name, outcome }: Rule): Verdict {
  const decider = { by: 'rule', rule: name } as const
  if (outcome.do === 'allow') return { kind: 'allow', decider }
  if (outcome.do === 'ask') return { kind: 'ask', decider, approvers: outcome.approvers, reason: outcome.reason }
  return { kind: 'deny', decider, reason: outcome.reason === '' ? 'denied by policy' : outcome.reason }
}

function unevaluable(rule: RuleName | null, cause: Unevaluable): Deny {
  const subject = rule === null ? 'the rules' : `rule "${rule}"`
  return {
    kind: 'deny',
    decider: { by: 'failsafe', cause: 'unevaluable', rule },
    reason: `${subject} could not be evaluated against this request (${cause}); failing closed`,
  }
}
