import type { RuleName } from '../../workers/contract/ids.ts'
import type { Family } from '../../workers/contract/plugin.ts'
import type { Rule } from '../../workers/contract/profile.ts'
import { protocolNamed } from '../../workers/protocols/index.ts'
import { checkCondition } from '../../workers/rules/check.ts'
import { hintForCondition } from './condition-hints.ts'
import { type DeclaredNames, warningsOf } from './condition-warnings.ts'
import type { Declared } from './declare.ts'
import { type Decoding, decode } from './decode.ts'
import type { Spot } from './diagnostics.ts'
import { literalOffsets } from './hcl/literal.ts'
import type { Source } from './hcl/position.ts'
import type { Value } from './hcl/syntax.ts'
import { attributeOf, type Resolver, resolve, resolveTargets } from './resolve.ts'
import { withLimits } from './rule-limits.ts'
import { compileOutcome, isEmpty } from './rule-outcome.ts'
import { ruleSchema } from './schema.ts'

/** A decoded rule block. */
export interface CompiledRule {
  readonly declared: Declared
  readonly endpoints: readonly Declared[]
  readonly rule: Rule
  /** Checked, never tried. */
  readonly isDisabled: boolean
}

/** Decodes a rule block and checks its condition; null when something in it is wrong (reported). */
export function compileRule(
  decoding: Decoding,
  resolver: Resolver,
  sources: readonly Source[],
  declared: Declared,
): CompiledRule | null {
  const { block, file, name, spot } = declared
  const { report } = decoding
  const title = `rule ${JSON.stringify(name)}`
  const attributes = block.body.attributes.filter((each) => each.name !== 'verdict' || !isEmpty(each))
  const body = attributes.length < block.body.attributes.length ? { ...block.body, attributes } : block.body
  const input = decode(decoding, { file, body, header: block.header, title }, ruleSchema)
  const targets = resolveTargets(resolver, file, block.body, title)
  let isRight = targets.clean
  const all = targets.endpoints.map((each) => each.declared)
  if (targets.clean && targets.endpoints.length === 0) {
    isRight = false
    const where = targets.attribute === null ? spot : { file, span: targets.attribute.value.at }
    report.error(where, `${title} has no endpoints: it would judge nothing`, { hint: 'add endpoint = https.NAME' })
  }
  const families = familiesOf(all)
  if (families.length > 1) {
    isRight = false
    report.error(
      { file, span: targets.attribute?.value.at ?? block.header },
      `${title} mixes endpoints of the families ${families.join(' and ')}: split it into one rule for each`,
    )
  }
  const outcome = compileOutcome(resolver, declared, title, input)
  const credentialValue = attributeOf(block.body, 'credential')?.value
  const credential =
    credentialValue === undefined ? null : resolve(resolver, file, credentialValue, 'credential', 'credential')
  if (credentialValue !== undefined && credential === null) isRight = false
  const condition = attributeOf(block.body, 'condition')?.value
  if (condition?.kind === 'string' && families.length === 1) {
    const readable = sharedFamilies(all)
    if (
      !checkText(decoding, sources, { file, value: condition, families: readable, declared: resolver.declarations.all })
    )
      isRight = false
  }
  if (!isRight || input === null || outcome === null) return null
  const limited = withLimits(report, { declared, title, endpoints: all, input }, outcome)
  if (limited === null) return null
  return {
    declared,
    endpoints: all,
    isDisabled: input.disabled ?? false,
    rule: {
      name: name as RuleName,
      priority: input.priority ?? 0,
      when: input.condition ?? null,
      credential: credential === null ? null : (credential.name as Rule['credential']),
      outcome: limited,
      mode: input.mode ?? 'enforce',
    },
  }
}

function familiesOf(endpoints: readonly Declared[]): string[] {
  const names = endpoints.map(({ type }) => protocolNamed(type)?.families[0]?.name)
  return [...new Set(names.filter((name) => name !== undefined))].sort()
}

/** Families whose variables can be read on every one of the endpoints, their own first. */
export function sharedFamilies(endpoints: readonly Declared[]): Condition['families'] {
  const [first, ...others] = [...new Set(endpoints.map(({ type }) => type))].flatMap((type) => {
    const protocol = protocolNamed(type)
    return protocol === undefined ? [] : [protocol.families]
  })
  const isShared = ({ name }: Family) => others.every((families) => families.some((each) => each.name === name))
  // the same list for the same types: what has been checked with it before is remembered by it
  return others.length === 0 ? (first ?? []) : (first ?? []).filter(isShared)
}

interface Condition {
  readonly file: number
  readonly value: Extract<Value, { kind: 'string' }>
  readonly families: Parameters<typeof checkCondition>[1]
  readonly declared: DeclaredNames
}

function checkText({ report }: Decoding, sources: readonly Source[], condition: Condition): boolean {
  const { file, value, families, declared } = condition
  if (value.value.trim() === '') {
    report.error({ file, span: value.at }, 'condition is empty', { hint: 'leave it out to match every action' })
    return false
  }
  const problems = checkCondition(value.value, families)
  const warnings = problems.length === 0 ? warningsOf(value.value, families, declared) : []
  if (problems.length === 0 && warnings.length === 0) return true
  const bytes = sources[file]?.file.bytes
  const offsets = bytes === undefined ? null : literalOffsets(bytes, value.at, value.value)
  const whole = { file, span: value.at }
  for (const { message, start, end, line, column } of problems) {
    // composed text has no place of its own in the file: say where it is in the condition
    const within = offsets === null ? ` (line ${line}, column ${column} of it)` : ''
    report.error(spotInside(whole, offsets, start, end), `condition: ${message}${within}`, {
      hint: hintForCondition(value.value, message, start, families),
    })
  }
  for (const { message, hint, start, end } of warnings)
    report.warn(spotInside(whole, offsets, start, end), `condition: ${message}`, { hint })
  return problems.length === 0
}

function spotInside(whole: Spot, offsets: readonly number[] | null, start: number, end: number): Spot {
  const first = offsets?.[start]
  const last = offsets?.[Math.max(end, start)]
  return first === undefined || last === undefined ? whole : { file: whole.file, span: [first, Math.max(first, last)] }
}

/** Whether a rule matches every action it is tried on. */
export function isCatchAll({ when }: Pick<Rule, 'when'>): boolean {
  return when === null || when.trim() === 'true'
}
