import type { Endpoint, Rule } from '../../workers/contract/profile.ts'
import { viewFacts } from '../../workers/rules/facts.ts'
import { tryRule } from '../../workers/rules/judge.ts'
import { withReadings } from '../../workers/rules/rates.ts'
import { visible } from '../cli/visible.ts'
import type { Policy } from '../config/policy.ts'
import { type DeadRule, deadRules } from './dead-rules.ts'
import { endpointLabel } from './find-endpoint.ts'
import { type JudgedPart, type Outcome, rulesOf } from './judge-described.ts'

/** Two rules of one priority that both match an action and say different things of it. */
export interface Conflict {
  /** The one that is tried first. */
  readonly first: string
  readonly second: string
  readonly priority: number
  readonly endpoint: string
  /** Where it shows first. */
  readonly fixture: string
}

/** What fixtures say of the rules of a policy. */
export interface Coverage {
  /** Enabled rules, and how many of them decided a fixture, or would have, being in shadow. */
  readonly rules: number
  readonly exercised: number
  /** Of `rules`, 0 to 100, one decimal. */
  readonly percent: number
  readonly never: readonly { readonly rule: string; readonly endpoints: readonly string[] }[]
  readonly dead: readonly (DeadRule & { readonly endpoint: string })[]
  readonly conflicts: readonly Conflict[]
}

/** Collects what fixtures exercise. */
export class CoverageCollector {
  readonly #exercised = new Set<string>()
  readonly #conflicts = new Map<string, Conflict>()

  /** Notes one fixture that was judged. */
  observe(fixture: string, outcome: Outcome): void {
    for (const part of outcome.parts) {
      const { verdict, shadows } = part.judgement
      const { decider } = verdict
      if (decider.by !== 'default' && decider.rule !== null) this.#exercised.add(decider.rule)
      for (const { rule } of shadows) this.#exercised.add(rule)
      this.#noteConflicts(fixture, outcome.endpoint ?? '', part)
    }
  }

  /** What was found, in the order of the policy. */
  report(policy: Policy): Coverage {
    const endpoints = new Map(
      [...policy.profiles.values()].flatMap((profile) => profile.endpoints.map((each) => [each.name, each])),
    )
    const byRule = new Map<string, string[]>()
    for (const endpoint of endpoints.values())
      for (const { name } of endpoint.rules) byRule.set(name, [...(byRule.get(name) ?? []), endpointLabel(endpoint)])
    const never = [...byRule]
      .filter(([rule]) => !this.#exercised.has(rule))
      .map(([rule, where]) => ({ rule, endpoints: where }))
    const dead = [...endpoints.values()].flatMap((endpoint) =>
      [...deadRules(policy, endpoint, rulesOf(endpoint)), ...disabledRules(policy, endpoint)].map((each) => ({
        ...each,
        endpoint: endpointLabel(endpoint),
      })),
    )
    const exercised = byRule.size - never.length
    const percent = byRule.size === 0 ? 100 : Math.round((exercised / byRule.size) * 1000) / 10
    return { rules: byRule.size, exercised, percent, never, dead, conflicts: [...this.#conflicts.values()] }
  }

  #noteConflicts(fixture: string, endpoint: string, { rules: set, told: judgeable }: JudgedPart): void {
    const facts = viewFacts(set.dialect, judgeable)
    const { credential } = judgeable
    const readings = { counts: judgeable.counts ?? null, rated: new Map() }
    const matching = withReadings(readings, () =>
      set.rules.filter(
        (rule, number) => rule.mode === 'enforce' && tryRule(set, number, { rule, facts, credential }) === true,
      ),
    )
    matching.forEach((first, at) => {
      for (const second of matching.slice(at + 1)) {
        if (second.priority !== first.priority) break
        if (isSameOutcome(first, second)) continue
        const key = JSON.stringify([endpoint, first.name, second.name])
        if (this.#conflicts.has(key)) continue
        this.#conflicts.set(key, {
          first: first.name,
          second: second.name,
          priority: first.priority,
          endpoint,
          fixture,
        })
      }
    })
  }
}

function disabledRules(policy: Policy, { name }: Endpoint): readonly DeadRule[] {
  return policy.disabledRules
    .filter(({ endpoints }) => endpoints.includes(name))
    .map((each) => ({ rule: each.name, because: 'it is disabled' }))
}

function isSameOutcome({ outcome: one }: Rule, { outcome: other }: Rule): boolean {
  if (one.do === 'ask' && other.do === 'ask') return one.approvers.join() === other.approvers.join()
  return one.do === other.do
}

/** The report as lines for people. */
export function coverageLines({ rules, exercised, percent, never, dead, conflicts }: Coverage): readonly string[] {
  return [
    `coverage: ${exercised} of ${rules} rule(s) exercised (${percent}%)`,
    ...never.map(({ rule, endpoints }) => `  never exercised: rule "${rule}" on ${endpoints.join(', ')}`),
    ...dead.map(({ rule, endpoint, because }) => `  can never fire: rule "${rule}" on ${endpoint}: ${because}`),
    ...conflicts.map(
      ({ first, second, priority, endpoint, fixture }) =>
        `  conflict: rules "${first}" and "${second}" on ${endpoint}, both of priority ${priority}, say different things of ${fixture}; the first one wins`,
    ),
  ].map(visible)
}
