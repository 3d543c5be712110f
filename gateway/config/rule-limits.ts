import type { Outcome } from '../../workers/contract/profile.ts'
import type { ResultLimits } from '../../workers/contract/verdict.ts'
import { protocolNamed } from '../../workers/protocols/index.ts'
import type { Declared } from './declare.ts'
import type { Report } from './diagnostics.ts'
import { attributeOf } from './resolve.ts'
import type { RuleInput } from './schema.ts'

/** A rule whose limits are looked at. */
export interface LimitedRule {
  readonly declared: Declared
  readonly title: string
  readonly endpoints: readonly Declared[]
  readonly input: RuleInput
}

const names = { limit_rows: 'rows', limit_bytes: 'bytes' } as const

/** Adds the limits a rule sets to what it lets pass; null when one cannot be kept (reported). */
export function withLimits(report: Report, { declared, title, endpoints, input }: LimitedRule, outcome: Outcome) {
  const limits: { -readonly [name in keyof ResultLimits]: ResultLimits[name] } = {}
  let isRight = true
  for (const attribute of ['limit_rows', 'limit_bytes'] as const) {
    const most = input[attribute]
    if (most === undefined) continue
    const spot = {
      file: declared.file,
      span: attributeOf(declared.block.body, attribute)?.value.at ?? declared.block.header,
    }
    const wrong =
      outcome.do === 'deny'
        ? `${title} denies: ${attribute} is for rules that allow or ask`
        : misfit(attribute, endpoints)
    if (wrong === null) limits[names[attribute]] = most
    else {
      isRight = false
      report.error(spot, wrong)
    }
  }
  if (!isRight) return null
  return outcome.do === 'deny' || Object.keys(limits).length === 0 ? outcome : { ...outcome, limits }
}

function misfit(attribute: keyof typeof names, endpoints: readonly Declared[]): string | null {
  const unable = endpoints.find(({ type }) => protocolNamed(type)?.limits?.includes(names[attribute]) !== true)
  return unable === undefined ? null : `${attribute} is not known on ${unable.type}`
}
