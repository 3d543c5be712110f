import type { Rule } from '../../workers/contract/profile.ts'
import type { CompiledCredential } from './credentials.ts'
import type { Report } from './diagnostics.ts'
import { attributeOf } from './resolve.ts'
import { type Demands, demandsOf, isWithin } from './rule-reach.ts'
import { type CompiledRule, isCatchAll, sharedFamilies } from './rules.ts'

/** Enabled rules of each endpoint in the order they are tried: priority descending, then declaration. */
export function orderRules(rules: readonly CompiledRule[]): ReadonlyMap<string, readonly Rule[]> {
  const byEndpoint = new Map<string, Rule[]>()
  for (const { endpoints, rule, isDisabled } of rules) {
    if (isDisabled) continue
    for (const { name } of endpoints) {
      const listed = byEndpoint.get(name)
      if (listed === undefined) byEndpoint.set(name, [rule])
      else listed.push(rule)
    }
  }
  // sort() is stable: equal priorities stay in the order they are declared
  for (const listed of byEndpoint.values()) listed.sort((a, b) => b.priority - a.priority)
  return byEndpoint
}

/** Warns of rules that can never decide: their credential is not for the endpoint, or earlier ones take what they match. */
export function checkRules(
  report: Report,
  credentials: ReadonlyMap<string, CompiledCredential>,
  rules: readonly CompiledRule[],
  ordered: ReadonlyMap<string, readonly Rule[]>,
): void {
  const byRule = new Map(rules.map((compiled) => [compiled.rule, compiled]))
  const shadows = new Map<Rule, Shadow>()
  const demands = rememberDemands(byRule)
  for (const listed of ordered.values()) noteShadowed(listed, shadows, demands)
  for (const compiled of rules) {
    if (compiled.isDisabled) continue
    warnUnbound(report, credentials, compiled)
    const shadow = shadows.get(compiled.rule)
    const by = shadow === undefined ? undefined : byRule.get(shadow.by)
    if (shadow === undefined || by === undefined || shadow.count < compiled.endpoints.length) continue
    const { declared, rule } = compiled
    const takes = isCatchAll(by.rule) ? 'everything' : 'all that it matches'
    report.warn(
      declared.spot,
      `rule ${JSON.stringify(rule.name)} is never reached: rule ${JSON.stringify(by.rule.name)} is tried before it and matches ${takes}`,
      {
        hint: `give ${rule.name} a priority above ${by.rule.priority}`,
        related: [{ message: `the rule that matches ${takes} is here`, spot: by.declared.spot }],
      },
    )
  }
}

/** By which rule one is kept from deciding, and on how many endpoints. */
interface Shadow {
  readonly by: Rule
  count: number
}

/** Rules of an endpoint up to which each is compared with each. Beyond, only equal conditions are told. */
const mostCompared = 400

function noteShadowed(listed: readonly Rule[], shadows: Map<Rule, Shadow>, demandsOf: (rule: Rule) => Demands): void {
  const earlier: Rule[] = []
  const byText = new Map<string, Rule>()
  for (const rule of listed) {
    const by = firstBefore(rule)
    if (by !== undefined) {
      const known = shadows.get(rule)
      if (known === undefined) shadows.set(rule, { by, count: 1 })
      else known.count += 1
    } else if (rule.mode === 'enforce') {
      earlier.push(rule)
      byText.set(keyOf(rule.when, rule.credential), rule)
    }
  }

  function firstBefore(rule: Rule): Rule | undefined {
    const credentials = rule.credential === null ? [null] : [null, rule.credential]
    for (const credential of credentials) {
      const same = byText.get(keyOf(null, credential)) ?? byText.get(keyOf(rule.when, credential))
      if (same !== undefined) return same
    }
    if (listed.length > mostCompared) return undefined
    const narrow = demandsOf(rule)
    return earlier.find((wide) => credentials.includes(wide.credential) && isWithin(narrow, demandsOf(wide)))
  }
}

/** Rules with equal keys match the same; all that match everything have one key. */
function keyOf(when: string | null, credential: string | null): string {
  // no name holds a zero byte; a condition of its own is never empty
  return `${credential ?? ''}\0${isCatchAll({ when }) ? '' : when?.trim()}`
}

function rememberDemands(byRule: ReadonlyMap<Rule, CompiledRule>): (rule: Rule) => Demands {
  const known = new Map<Rule, Demands>()
  return (rule) => {
    const found = known.get(rule) ?? demandsOf(rule, sharedFamilies(byRule.get(rule)?.endpoints ?? []))
    known.set(rule, found)
    return found
  }
}

function warnUnbound(
  report: Report,
  credentials: ReadonlyMap<string, CompiledCredential>,
  { declared, endpoints, rule }: CompiledRule,
): void {
  const credential = rule.credential === null ? undefined : credentials.get(rule.credential)
  if (credential === undefined) return
  const bound = new Set(credential.endpoints.map(({ name }) => name))
  for (const { name } of endpoints) {
    if (bound.has(name)) continue
    const value = attributeOf(declared.block.body, 'credential')?.value
    report.warn(
      { file: declared.file, span: value?.at ?? declared.block.header },
      `rule ${JSON.stringify(rule.name)} never applies on endpoint ${JSON.stringify(name)}: credential ${JSON.stringify(credential.name)} is not for it`,
      { related: [{ message: 'the credential is declared here', spot: credential.declared.spot }] },
    )
  }
}
