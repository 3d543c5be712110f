import type { Endpoint, Rule } from '../../workers/contract/profile.ts'
import type { RuleSet } from '../../workers/rules/compile.ts'
import { evaluate } from '../../workers/rules/evaluate.ts'
import { viewFacts } from '../../workers/rules/facts.ts'
import { parseCondition } from '../../workers/rules/parse.ts'
import { withReadings } from '../../workers/rules/rates.ts'
import { walk } from '../../workers/rules/syntax.ts'
import type { Policy } from '../config/policy.ts'

/** A rule that can never decide on an endpoint, and why. */
export interface DeadRule {
  readonly rule: string
  readonly because: string
}

/** Finds rules of an endpoint that no action whatever could reach or match. */
export function deadRules(policy: Policy, endpoint: Endpoint, set: RuleSet): readonly DeadRule[] {
  const dead: DeadRule[] = []
  const catchAlls: Rule[] = []
  for (const [number, rule] of set.rules.entries()) {
    const always = truthAlways(set, number)
    const because =
      unbound(policy, endpoint, rule) ??
      taken(catchAlls, rule) ??
      (always === false ? 'its condition is never true' : null)
    if (because !== null) dead.push({ rule: rule.name, because })
    else if (always === true && rule.mode === 'enforce') catchAlls.push(rule)
  }
  return dead
}

function unbound({ credentials }: Policy, endpoint: Endpoint, { credential }: Rule): string | null {
  if (credential === null) return null
  const isBound = credentials.some(({ name, endpoints }) => name === credential && endpoints.includes(endpoint.name))
  return isBound ? null : `its credential "${credential}" is not for the endpoint`
}

function taken(catchAlls: readonly Rule[], { credential }: Rule): string | null {
  const before = catchAlls.find((rule) => rule.credential === null || rule.credential === credential)
  return before === undefined ? null : `rule "${before.name}" is tried before it and matches everything`
}

/**
 * What a condition says of every action: with no fact known it is only true or false when no fact matters to it.
 * null: it depends.
 */
function truthAlways(set: RuleSet, number: number): boolean | null {
  const when = set.rules[number]?.when ?? null
  if (when === null) return true
  try {
    if (readsContext(when, set)) return null
    const program = set.program(number)
    const nothing = { facts: {}, unknowns: [{ path: '', because: 'unparsed' as const }], context: noContext }
    const facts = viewFacts(set.dialect, nothing)
    const truth = withReadings({ counts: null, rated: new Map() }, () => program === null || evaluate(program, facts))
    return typeof truth === 'boolean' ? truth : null
  } catch {
    return null
  }
}

const noContext = { profile: '', device: '', endpoint: '', nowMs: 0 }

/** Profile, device and time are always known, and different for every action. */
function readsContext(when: string, { dialect }: RuleSet): boolean {
  let reads = false
  walk(parseCondition(when, dialect).tree, ({ op, args }) => {
    if (op === 'id' && typeof args === 'string' && Object.keys({ ...noContext, now: 0 }).includes(args)) reads = true
  })
  return reads
}
