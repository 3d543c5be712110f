import type { RuleName } from '../../workers/contract/ids.ts'
import type { Rule } from '../../workers/contract/profile.ts'
import { protocolNamed } from '../../workers/protocols/index.ts'
import { checkCondition } from '../../workers/rules/check.ts'
import type { Declared } from './declare.ts'
import { type Decoding, decode } from './decode.ts'
import type { Spot } from './diagnostics.ts'
import { literalOffsets } from './hcl/literal.ts'
import type { Source } from './hcl/position.ts'
import type { Value } from './hcl/syntax.ts'
import { attributeOf, type Resolver, resolve, resolveTargets } from './resolve.ts'
import { compileOutcome } from './rule-outcome.ts'
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
  const input = decode(decoding, { file, body: block.body, header: block.header, title }, ruleSchema)
  const targets = resolveTargets(resolver, file, block.body, title)
  let isRight = targets.clean
  if (targets.clean && targets.endpoints.length === 0) {
    isRight = false
    const where = targets.attribute === null ? spot : { file, span: targets.attribute.value.at }
    report.error(where, `${title} has no endpoints: it would judge nothing`, { hint: 'add endpoint = https.NAME' })
  }
  const families = familiesOf(targets.endpoints.map((each) => each.declared))
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
  const protocol = protocolNamed(targets.endpoints[0]?.declared.type ?? '')
  const condition = attributeOf(block.body, 'condition')?.value
  if (condition?.kind === 'string' && protocol !== undefined && families.length === 1) {
    if (!checkText(decoding, sources, { file, value: condition, families: protocol.families })) isRight = false
  }
  if (!isRight || input === null || outcome === null) return null
  return {
    declared,
    endpoints: targets.endpoints.map((each) => each.declared),
    isDisabled: input.disabled ?? false,
    rule: {
      name: name as RuleName,
      priority: input.priority ?? 0,
      when: input.condition ?? null,
      credential: credential === null ? null : (credential.name as Rule['credential']),
      outcome,
      mode: input.mode ?? 'enforce',
    },
  }
}

function familiesOf(endpoints: readonly Declared[]): string[] {
  const names = endpoints.map(({ type }) => protocolNamed(type)?.families[0]?.name)
  return [...new Set(names.filter((name) => name !== undefined))].sort()
}

interface Condition {
  readonly file: number
  readonly value: Extract<Value, { kind: 'string' }>
  readonly families: Parameters<typeof checkCondition>[1]
}

function checkText({ report }: Decoding, sources: readonly Source[], { file, value, families }: Condition): boolean {
  const problems = checkCondition(value.value, families)
  if (problems.length === 0) return true
  const bytes = sources[file]?.file.bytes
  const offsets = bytes === undefined ? null : literalOffsets(bytes, value.at, value.value)
  for (const { message, start, end, line, column } of problems) {
    const spot = spotInside({ file, span: value.at }, offsets, start, end)
    // composed text has no place of its own in the file: say where it is in the condition
    report.error(
      spot,
      offsets === null ? `condition: ${message} (line ${line}, column ${column} of it)` : `condition: ${message}`,
    )
  }
  return false
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
