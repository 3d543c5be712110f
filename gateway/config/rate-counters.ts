import { mostCounters } from '../../workers/contract/messages.ts'
import type { Rule } from '../../workers/contract/profile.ts'
import { protocolNamed } from '../../workers/protocols/index.ts'
import { dialectOf } from '../../workers/rules/dialect.ts'
import { parseCondition } from '../../workers/rules/parse.ts'
import type { Report } from './diagnostics.ts'
import type { CompiledEndpoint } from './endpoints.ts'
import type { CompiledRule } from './rules.ts'

/** Reports rules that name more counters with `rate()` than an endpoint may have; conditions are without mistakes. */
export function checkCounters(
  report: Report,
  endpoints: Iterable<Pick<CompiledEndpoint, 'name' | 'protocol'>>,
  rules: readonly CompiledRule[],
  ordered: ReadonlyMap<string, readonly Rule[]>,
): void {
  const places = new Map(rules.map(({ rule, declared }) => [rule, declared.spot]))
  const told = new Set<Rule>()
  for (const { name, protocol } of endpoints) {
    const dialect = dialectOf(protocolNamed(protocol)?.families ?? [])
    const counters = new Set<string>()
    for (const rule of ordered.get(name) ?? []) {
      if (rule.when?.includes('rate') !== true) continue
      for (const key of parseCondition(rule.when, dialect).rates.keys()) counters.add(key)
      if (counters.size <= mostCounters) continue
      const message = `endpoint ${JSON.stringify(name)} has more than ${mostCounters} counters with rule ${JSON.stringify(rule.name)}`
      const hint = 'give rate() the same name, window and scope where the same actions are meant'
      if (!told.has(rule)) report.error(places.get(rule) ?? null, message, { hint })
      told.add(rule)
      break
    }
  }
}
