import type { Action, ActionContext, Unknown } from '../contract/action.ts'
import type { RuleName } from '../contract/ids.ts'
import type { Rule } from '../contract/profile.ts'
import {
  type Decider,
  type Deny,
  type Judgement,
  mostShadowHits,
  type RateCounter,
  type ResultLimits,
  type ShadowHit,
  type Verdict,
} from '../contract/verdict.ts'
import { openPurse, type Purse } from './budget.ts'
import type { RuleSet } from './compile.ts'
import { causeOf, evaluate, notYet, type Truth, type Unevaluable } from './evaluate.ts'
import { type FactView, viewFacts } from './facts.ts'
import { readFor, withReadings } from './rates.ts'

/** What rules are told of an action. */
export type Judgeable = Pick<Action, 'facts' | 'unknowns' | 'credential'> & {
  readonly context: ActionContext
  /** Facts that will be known, and judged, when it runs. */
  readonly pending?: readonly string[]
  /** What `rate()` finds, by `rateKey`; without it a rule that reaches one cannot be evaluated. */
  readonly counts?: ReadonlyMap<string, number>
}

/** A judgement, and which of its counters enforced rules read: what only shadow rules read decides nothing. */
export interface RuledJudgement extends Judgement {
  readonly enforced: ReadonlySet<string>
}

const none: ReadonlySet<string> = new Set()

/**
 * Applies the rules in their order: the first enforced one that matches decides, one that cannot be evaluated denies,
 * and when none matches the endpoint's `unmatched` holds. Where one hangs on facts that are pending nothing is decided:
 * the action may be prepared, to be judged when it runs. Shadow rules are noted and never decide. Never throws.
 */
export function judge(set: RuleSet, action: Judgeable): RuledJudgement {
  const shadows: ShadowHit[] = []
  if (set.rates.length === 0) return { verdict: verdictOf(set, action, shadows), shadows, rated: [], enforced: none }
  const rated = new Map<string, RateCounter>()
  const enforced = new Set<string>()
  const readings = { counts: action.counts ?? null, rated, enforced }
  const verdict = withReadings(readings, () => verdictOf(set, action, shadows))
  // what is only prepared counts when it runs
  if (verdict === forPreparing && readings.counts !== null) return { verdict, shadows, rated: [], enforced: none }
  return { verdict, shadows, rated: [...rated.values()], enforced }
}

function verdictOf(set: RuleSet, action: Judgeable, shadows: ShadowHit[]): Verdict {
  try {
    const facts = viewFacts(set.dialect, action)
    const purses = { enforce: openPurse('enforce'), shadow: openPurse('shadow') }
    for (const number of set.index.candidates(facts, action.credential)) {
      const rule = set.rules[number]
      if (rule === undefined) continue
      readFor(rule.mode)
      const truth = tryRule(set, number, { rule, facts, credential: action.credential, purse: purses[rule.mode] })
      if (truth === false) continue
      if (rule.mode === 'shadow') noteShadow(shadows, rule, truth)
      else if (truth === notYet) return forPreparing
      else return truth === true ? outcomeOf(rule) : unevaluable(rule.name, truth)
    }
    return unmatched(set, action.unknowns)
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
  /** What is left for rules of its kind; absent: one condition's time. */
  readonly purse?: Purse
}

/** Whether one rule matches. */
export function tryRule(set: RuleSet, number: number, { rule, facts, credential, purse }: Trial): Truth {
  if (rule.credential !== null && rule.credential !== credential) return false
  try {
    const program = set.program(number)
    return program === null || evaluate(program, facts, purse ?? null)
  } catch {
    return 'evaluation error'
  }
}

const forPreparing: Verdict = { kind: 'allow', decider: { by: 'default', setting: 'pending' } }

function noteShadow(shadows: ShadowHit[], { name, outcome }: Rule, truth: Truth): void {
  if (truth !== notYet && shadows.length < mostShadowHits)
    shadows.push({ rule: name, would: truth === true ? outcome.do : 'failsafe' })
}

function outcomeOf({ name, outcome }: Rule): Verdict {
  const decider = { by: 'rule', rule: name } as const
  if (outcome.do === 'allow') return { kind: 'allow', decider, ...limitsOf(outcome) }
  if (outcome.do === 'ask')
    return { kind: 'ask', decider, approvers: outcome.approvers, reason: outcome.reason, ...limitsOf(outcome) }
  return { kind: 'deny', decider, reason: outcome.reason === '' ? 'denied by policy' : outcome.reason }
}

function limitsOf({ limits }: { readonly limits?: ResultLimits }): { readonly limits?: ResultLimits } {
  return limits === undefined ? {} : { limits }
}

function unevaluable(rule: RuleName | null, cause: Unevaluable): Deny {
  const subject = rule === null ? 'the rules' : `rule "${rule}"`
  return {
    kind: 'deny',
    decider: { by: 'failsafe', cause: 'unevaluable', rule },
    reason: `${subject} could not be evaluated against this request (${cause}); failing closed`,
  }
}

/** What becomes of an action no enforced rule decides. */
export function unmatched(set: RuleSet, unknowns: readonly Unknown[]): Verdict {
  const reasons = set.backstops.length === 0 ? [] : unknowns.filter((unknown) => isBackstopped(set, unknown))
  if (reasons.length > 0) {
    const cause = causeOf(new Set(reasons.map(({ because }) => because)))
    // what is neither too long nor undecodable could not be understood either
    const words = cause === 'evaluation error' ? 'unparseable' : cause
    const decider: Decider = { by: 'failsafe', cause: 'unevaluable', rule: null }
    const reason = `request bytes were ${words} and no rule explicitly allowed the request; failing closed`
    return { kind: 'deny', decider, reason }
  }
  if (set.unmatched === 'allow') return { kind: 'allow', decider: { by: 'default', setting: 'no_rule' } }
  return { kind: 'deny', decider: { by: 'default', setting: 'unmatched' }, reason: 'no rule allows this' }
}

/** A path that names no fact makes every fact unknown, as it does for conditions. */
function isBackstopped({ backstops, dialect }: RuleSet, { path }: Unknown): boolean {
  const [family = '', ...rest] = path.split('.', 2)
  if (backstops.includes(family)) return dialect.facts.get(`${family}.${rest[0]}`)?.spec.mayBeUnknown !== true
  return rest.length > 0
    ? !dialect.facts.has(`${family}.${rest[0]}`)
    : !dialect.families.some(({ name }) => name === family)
}
