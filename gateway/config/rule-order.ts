import type { Rule } from '../../workers/contract/profile.ts'
import type { CompiledCredential } from './credentials.ts'
import type { Report } from './diagnostics.ts'
import { attributeOf } from './resolve.ts'
import { type CompiledRule, isCatchAll } from './rules.ts'

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

/** Warns of rules that can never decide: their credential is not for the endpoint, or an earlier one takes everything. */
export function checkRules(
  report: Report,
  credentials: ReadonlyMap<string, CompiledCredential>,
  rules: readonly CompiledRule[],
  ordered: ReadonlyMap<string, readonly Rule[]>,
): void {
  const byRule = new Map(rules.map((compiled) => [compiled.rule, compiled]))
  const shadows = new Map<Rule, { readonly by: Rule; count: number }>()
  for (const listed of ordered.values()) noteShadowed(listed, shadows)
  for (const compiled of rules) {
    if (compiled.isDisabled) continue
    warnUnbound(report, credentials, compiled)
    const shadow = shadows.get(compiled.rule)
    const by = shadow === undefined ? undefined : byRule.get(shadow.by)
    if (shadow === undefined || by === undefined || shadow.count < compiled.endpoints.length) continue
    const { declared, rule } = compiled
    report.warn(
      declared.spot,
      `rule ${JSON.stringify(rule.name)} is never reached: rule ${JSON.stringify(by.rule.name)} is tried before it and matches everything`,
      {
        hint: `give ${rule.name} a priority above ${by.rule.priority}`,
        related: [{ message: 'the rule that matches everything is here', spot: by.declared.spot }],
      },
    )
  }
}

function noteShadowed(listed: readonly Rule[], shadows: Map<Rule, { readonly by: Rule; count: number }>): void {
  let all: Rule | null = null
  const byCredential = new Map<string, Rule>()
  for (const rule of listed) {
    const by = all ?? (rule.credential === null ? undefined : byCredential.get(rule.credential))
    if (by !== undefined) {
      const known = shadows.get(rule)
      if (known === undefined) shadows.set(rule, { by, count: 1 })
      else known.count += 1
    } else if (rule.mode === 'enforce' && isCatchAll(rule)) {
      if (rule.credential === null) all = rule
      else byCredential.set(rule.credential, rule)
    }
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
