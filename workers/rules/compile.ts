import { ClawError } from '../contract/errors.ts'
import type { Family } from '../contract/plugin.ts'
import type { Rule } from '../contract/profile.ts'
import { checkCondition } from './check.ts'
import { type Dialect, dialectOf } from './dialect.ts'
import { compileCondition, type Program } from './evaluate.ts'
import { parseCondition } from './parse.ts'
import { type Requirement, requirementsOf } from './requirements.ts'
import { credentialFact, indexRules, type RuleIndex } from './rule-index.ts'

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
}

/**
 * Makes rules ready to judge, in the order given.
 * @throws ClawError CP_CONFIG when a condition does not parse
 */
export function compileRules(rules: readonly Rule[], families: readonly Family[]): RuleSet {
  const dialect = dialectOf(families)
  const reads = new Set<string>()
  const requirements = rules.map((rule) => examine(rule, dialect, reads))
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
  }
}

function examine({ name, when, credential }: Rule, dialect: Dialect, reads: Set<string>): readonly Requirement[] {
  const own: Requirement[] = credential === null ? [] : [[{ fact: credentialFact, test: 'is', text: credential }]]
  if (when === null) return own
  try {
    const parsed = parseCondition(when, dialect)
    for (const path of parsed.reads) reads.add(path)
    return [...own, ...requirementsOf(parsed.tree, dialect)]
  } catch (cause) {
    const why = checkCondition(when, dialect.families)[0]?.message ?? String(cause)
    throw new ClawError('CP_CONFIG', `Cannot compile rule "${name}": ${why}`, { cause })
  }
}
