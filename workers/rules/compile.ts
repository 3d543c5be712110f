import { ClawError } from '../contract/errors.ts'
import { mostCounters } from '../contract/messages.ts'
import type { Family } from '../contract/plugin.ts'
import type { Endpoint, Rule } from '../contract/profile.ts'
import type { RateCounter } from '../contract/verdict.ts'
import { checkCondition } from './check.ts'
import { type Dialect, dialectOf } from './dialect.ts'
import { compileCondition, type Program } from './evaluate.ts'
import { parseCondition } from './parse.ts'
import { type Requirement, requirementsOf } from './requirements.ts'
import { credentialFact, indexRules, type RuleIndex } from './rule-index.ts'
import { type SyntaxNode, walk } from './syntax.ts'

/** The rules of one endpoint, ready to judge. */
export interface RuleSet {
  readonly rules: readonly Rule[]
  readonly dialect: Dialect
  readonly index: RuleIndex
  /**
   * The condition of a rule, compiled when it is first tried; null: matches everything.
   * @throws ClawError CP_CONFIG when its types do not check
   */
  readonly program: (rule: number) => Program | null
  /** Whether any rule may read the fact, e.g. `http.body`; when none does, the decoder need not keep it. */
  readonly reads: (path: string) => boolean
  /** Whether the same action is always judged the same: no rule reads the time or a counter. */
  readonly isTimeless: boolean
  /** What becomes of an action no rule matches. */
  readonly unmatched: Endpoint['unmatched']
  /** Every counter a condition names, each once. */
  readonly rates: readonly RateCounter[]
  /** Keys of those that an enforced rule names. */
  readonly enforcedRates: ReadonlySet<string>
  /** Families of which an action must be wholly known unless a rule allows it; empty when no rule is enforced. */
  readonly backstops: readonly string[]
}

/**
 * Makes rules ready to judge, in the order given.
 * @throws ClawError CP_CONFIG when a condition does not parse
 */
export function compileRules(
  rules: readonly Rule[],
  families: readonly Family[],
  unmatched: Endpoint['unmatched'],
): RuleSet {
  const dialect = dialectOf(families)
  const reads = new Set<string>()
  const rates = new Map<string, RateCounter>()
  const enforcedRates = new Set<string>()
  const needs: Needs = { reads, rates, enforcedRates, isTimeless: true }
  const requirements = rules.map((rule) => examine(rule, dialect, needs))
  if (rates.size > mostCounters)
    throw new ClawError(
      'CP_CONFIG',
      `Cannot compile rules that name ${rates.size} counters: ${mostCounters} are the most`,
    )
  const isEnforced = rules.some(({ mode }) => mode === 'enforce')
  const programs: (Program | undefined)[] = []
  return {
    rules,
    dialect,
    index: indexRules(requirements),
    program: (rule) => {
      const source = rules[rule]?.when ?? null
      if (source === null) return null
      programs[rule] ??= compileCondition(source, dialect)
      return programs[rule]
    },
    reads: (path) => reads.has(path),
    isTimeless: needs.isTimeless,
    unmatched,
    rates: [...rates.values()],
    enforcedRates,
    backstops: isEnforced ? families.filter(({ backstop }) => backstop === true).map(({ name }) => name) : [],
  }
}

interface Needs {
  readonly reads: Set<string>
  readonly rates: Map<string, RateCounter>
  readonly enforcedRates: Set<string>
  isTimeless: boolean
}

function examine({ name, when, credential, mode }: Rule, dialect: Dialect, needs: Needs): readonly Requirement[] {
  const own: Requirement[] = credential === null ? [] : [[{ fact: credentialFact, test: 'is', text: credential }]]
  if (when === null) return own
  try {
    const parsed = parseCondition(when, dialect)
    for (const path of parsed.reads) needs.reads.add(path)
    if (parsed.rates.size > 0 || readsTime(parsed.tree)) needs.isTimeless = false
    for (const [key, counter] of parsed.rates) {
      needs.rates.set(key, counter)
      if (mode === 'enforce') needs.enforcedRates.add(key)
    }
    return [...own, ...requirementsOf(parsed.tree, dialect)]
  } catch (cause) {
    const why = checkCondition(when, dialect.families)[0]?.message ?? String(cause)
    throw new ClawError('CP_CONFIG', `Cannot compile rule "${name}": ${why}`, { cause })
  }
}

function readsTime(tree: SyntaxNode): boolean {
  let isFound = false
  walk(tree, ({ op, args }) => {
    if (op === 'id' && args === 'now') isFound = true
  })
  return isFound
}
