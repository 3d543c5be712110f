import type { Facts } from '../../workers/contract/action.ts'
import type { DescribedAction } from '../../workers/contract/described.ts'
import { ClawError } from '../../workers/contract/errors.ts'
import type { Judgement } from '../../workers/contract/verdict.ts'
import { judge } from '../../workers/rules/judge.ts'
import type { Policy } from '../config/policy.ts'
import type { ReplayableRow } from '../store/replayable.ts'
import { judgeDescribed, type Outcome, type Undecided } from './judge-described.ts'
import { describedAction, type RecordedDescription } from './recorded.ts'
import { type Actor, SimulatedRates } from './what-if-rates.ts'

/** What another policy makes of a recorded action. */
export type Replayed =
  | { readonly kind: 'judged'; readonly verdict: Outcome['verdict']; readonly rule: string | null }
  /** A rule needs what the record does not hold. */
  | { readonly kind: 'untold'; readonly because: string }
  /** The policy does not have what it went to, or was sent by. */
  | { readonly kind: 'gone'; readonly because: string }

/** Judges recorded actions by another policy, in the order of time: counters count what it allows. */
export class Replay {
  readonly #policy: Policy
  readonly #rates = new SimulatedRates()

  constructor(policy: Policy) {
    this.#policy = policy
  }

  async judge(row: ReplayableRow): Promise<Replayed> {
    try {
      const described = describedAction(row)
      return described === null
        ? { kind: 'untold', because: 'the record does not hold what it was' }
        : await this.#replay(row, described)
    } catch (error) {
      if (error instanceof ClawError && error.code === 'CP_CONFIG') return { kind: 'gone', because: error.message }
      // one row that is damaged says nothing of the others
      return { kind: 'untold', because: 'what the record holds of it cannot be read' }
    }
  }

  /** With the counters of the moment, and every masked value out of reach. */
  async #replay(row: ReplayableRow, { action, masked }: RecordedDescription): Promise<Replayed> {
    const hidden = masked.filter((path) => !/^(http|sql\.params)\./.test(path))
    if (hidden.length > 0) return untold(hidden)
    const source = masked.filter((path) => madeOf.test(path))
    const actor: Actor = { device: row.device, profile: row.profile }
    const missing = new Set<string>()
    const decide = ({ rules, judgeable }: Undecided): Judgement => {
      if (judgeable.facts.k8s !== undefined) for (const path of source) missing.add(path)
      const touched = new Set<string>()
      const facts = masked.length === 0 ? judgeable.facts : guarded(judgeable.facts, masked, touched)
      const counts = this.#rates.counts(rules.rates, actor, row.openedAt)
      const found = judge(rules, { ...judgeable, facts, counts })
      if (found.verdict.decider.by === 'failsafe') for (const path of touched) missing.add(path)
      return found
    }
    const { verdict, rule, parts } = await judgeDescribed(this.#policy, seen(action, masked), null, decide)
    if (missing.size > 0) return untold([...missing])
    if (verdict === 'allow') for (const { judgement } of parts) this.#rates.note(judgement.rated, actor, row.openedAt)
    return { kind: 'judged', verdict, rule }
  }
}

/** Facts of a call to Kubernetes are made of these, and cannot be kept out of reach one by one. */
const madeOf = /^http\.(path|query)/

function untold(paths: readonly string[]): Replayed {
  return { kind: 'untold', because: `a rule reads ${[...paths].sort().join(', ')}, which is not in the record` }
}

/** A body the record does not hold is guarded, not too long for rules. */
function seen(action: DescribedAction, masked: readonly string[]): DescribedAction {
  if (!masked.includes('http.body')) return action
  const { truncated: _, ...rest } = action
  return rest
}

/** Facts of which the masked ones throw when a rule reads them: it cannot be evaluated then. */
function guarded(facts: Facts, masked: readonly string[], touched: Set<string>): Facts {
  const refuse = (path: string): never => {
    touched.add(path)
    throw new Error('the value is not in the record')
  }
  const families = (['http', 'sql'] as const).flatMap((name) => {
    const family = facts[name]
    return family === undefined ? [] : [[name, guardedFamily(name, family, masked, refuse)] as const]
  })
  return { ...facts, ...Object.fromEntries(families) }
}

function guardedFamily(
  family: string,
  facts: object,
  masked: readonly string[],
  refuse: (path: string) => never,
): object {
  return new Proxy(facts, {
    get(target, name) {
      const member = String(name)
      const path = `${family}.${member === 'body_json' ? 'body' : member}`
      if (masked.includes(path)) return refuse(path)
      // private members want the object itself
      const value: unknown = Reflect.get(target, name, target)
      const within = masked.filter((each) => each.startsWith(`${path}.`))
      return within.length === 0 ? value : withTraps(value as object, path, within, refuse)
    },
  })
}

function withTraps(values: object, path: string, masked: readonly string[], refuse: (path: string) => never): object {
  const copy = Object.fromEntries(Object.entries(values))
  for (const each of masked)
    Object.defineProperty(copy, each.slice(path.length + 1), {
      get: () => refuse(each),
      enumerable: true,
      configurable: true,
    })
  return copy
}
