import type { RuleName } from '../contract/ids.ts'
import type { Rule } from '../contract/profile.ts'
import type { Verdict } from '../contract/verdict.ts'
import type { RuleSet } from './compile.ts'
import { type ConditionPart, conditionParts, type Ground } from './condition-parts.ts'
import type { Truth } from './evaluate.ts'
import { viewFacts } from './facts.ts'
import { type Judgeable, judge, tryRule, unmatched } from './judge.ts'
import { withReadings } from './rates.ts'

/** Why one rule did or did not decide an action, for the operator. */
export interface Explanation {
  readonly rule: RuleName
  readonly priority: number
  readonly mode: Rule['mode']
  /** What it says of the actions it matches. */
  readonly outcome: Verdict['kind']
  readonly result: 'matched' | 'no match' | 'unevaluable' | 'not reached'
  /** Whether it is the one that decided. */
  readonly decides: boolean
  /** Which part of the condition made it so, and the facts it read. Text up to 80 characters is quoted. */
  readonly because: string
}

/** The walk over the rules in words. */
export interface RuleWalk {
  /** In the order they are tried. */
  readonly rules: readonly Explanation[]
  readonly verdict: Verdict
  /** What would make the verdict another one, a sentence each. */
  readonly changes: readonly string[]
}

/** Tries every rule in order without the index and tells what each says, and what would change the verdict. */
export function explain(set: RuleSet, action: Judgeable): RuleWalk {
  const { verdict } = judge(set, action)
  const counts = action.counts ?? new Map<string, number>()
  return withReadings({ counts, rated: new Map() }, () => {
    const trials = tryAll(set, action, counts)
    const decider = trials.findIndex((trial) => trial.truth !== false && trial.rule.mode === 'enforce')
    const rules = trials.map((trial, at) => explainOne(trial, at, { decider, trials }))
    return {
      rules,
      verdict,
      changes: [...withoutDecider(set, action, trials, decider), ...changesOf(set, action, trials, verdict)],
    }
  })
}

/** One rule with what it says of the action. */
interface Tried {
  readonly rule: Rule
  readonly truth: Truth
  readonly used: string | null
  /** Taken apart only when it is asked for. */
  readonly parts: () => readonly ConditionPart[]
}

function tryAll(set: RuleSet, action: Judgeable, counts: Ground['counts']): readonly Tried[] {
  const facts = viewFacts(set.dialect, action)
  const { credential } = action
  return set.rules.map((rule, number) => ({
    rule,
    used: credential,
    truth: tryRule(set, number, { rule, facts, credential }),
    parts: () => (rule.when === null ? [] : conditionParts(rule.when, set.dialect, { facts, counts })),
  }))
}

interface Place {
  /** Index of the rule that decided; -1: none. */
  readonly decider: number
  readonly trials: readonly Tried[]
}

function explainOne(trial: Tried, at: number, { decider, trials }: Place): Explanation {
  const { rule, truth } = trial
  const isReached = decider < 0 || at <= decider
  const by = trials[decider]
  return {
    rule: rule.name,
    priority: rule.priority,
    mode: rule.mode,
    outcome: rule.outcome.do,
    result: isReached ? resultOf(truth) : 'not reached',
    decides: at === decider,
    because: isReached || by === undefined ? reasonFor(trial) : `rule "${by.rule.name}" decided before it`,
  }
}

function resultOf(truth: Truth): Explanation['result'] {
  return truth === true ? 'matched' : truth === false ? 'no match' : 'unevaluable'
}

function reasonFor(trial: Tried): string {
  const { rule, truth } = trial
  if (isForOther(trial)) return `it is for the credential "${rule.credential}"; the action uses ${quoted(trial.used)}`
  if (rule.when === null) return 'it has no condition'
  const parts = trial.parts()
  const decisive = truth === true ? undefined : parts.find((part) => part.truth === truth)
  const text = decisive?.text ?? rule.when.trim()
  const reads = decisive === undefined ? [...new Set(parts.flatMap((part) => part.reads))] : decisive.reads
  const verb = typeof truth === 'boolean' ? `is ${truth}` : `cannot be evaluated (${truth})`
  return `${text} ${verb}${reads.length === 0 ? '' : `: ${reads.join(', ')}`}`
}

function isForOther({ rule, used }: Tried): boolean {
  return rule.credential !== null && rule.credential !== used
}

function quoted(credential: string | null): string {
  return credential === null ? 'none' : `"${credential}"`
}

/** What would decide if the rule that did were not there. */
function withoutDecider(
  set: RuleSet,
  { unknowns }: Judgeable,
  trials: readonly Tried[],
  decider: number,
): readonly string[] {
  const by = trials[decider]
  if (by === undefined) return []
  const next = trials.find(({ rule, truth }, at) => at > decider && truth !== false && rule.mode === 'enforce')
  const without = `without rule "${by.rule.name}"`
  if (next === undefined)
    return [`${without} no rule matches: the action would be ${words[unmatched(set, unknowns).kind]}`]
  const { name, outcome, priority } = next.rule
  const how = next.truth === true ? outcome.do : 'cannot be evaluated, so deny'
  return [`${without}, rule "${name}" (${how}, priority ${priority}) would decide`]
}

const words: { readonly [kind in Verdict['kind']]: string } = {
  allow: 'allowed',
  deny: 'denied',
  ask: 'put to approvers',
}

/** For each other verdict the first rule that could give it, and what it lacks. */
function changesOf(
  set: RuleSet,
  { unknowns }: Judgeable,
  trials: readonly Tried[],
  verdict: Verdict,
): readonly string[] {
  const fallback = unmatched(set, unknowns).kind
  const others = (['allow', 'ask', 'deny'] as const).filter((kind) => kind !== verdict.kind)
  return others.flatMap((kind) => {
    const at = trials.findIndex(({ rule }) => rule.mode === 'enforce' && rule.outcome.do === kind)
    const found = trials[at]
    const before = found === undefined ? trials : trials.slice(0, at)
    const inTheWay = before.filter(({ rule, truth }) => rule.mode === 'enforce' && truth !== false)
    const conditions = [
      ...(found === undefined ? [] : lacking(found)),
      ...inTheWay.map(({ rule }) => `rule "${rule.name}" did not match`),
    ]
    if (conditions.length === 0) return []
    if (found !== undefined)
      return [`would be ${words[kind]} by rule "${found.rule.name}" if ${conditions.join(' and ')}`]
    return kind === fallback
      ? [`would be ${words[kind]}, since nothing else matches, if ${conditions.join(' and ')}`]
      : []
  })
}

/** What has to be otherwise for a rule to match: in words, with what it is now. */
function lacking(trial: Tried): readonly string[] {
  const { rule, truth } = trial
  if (truth === true) return []
  const parts = trial.parts().filter((part) => part.truth !== true)
  return [
    ...(isForOther(trial) ? [`the credential were "${rule.credential}" (it is ${quoted(trial.used)})`] : []),
    ...parts.map(({ text, truth, reads }) => {
      const now = [typeof truth === 'boolean' ? '' : truth, reads.join(', ')].filter(Boolean).join('; ')
      return `${text} were true${now === '' ? '' : ` (${now})`}`
    }),
  ]
}
