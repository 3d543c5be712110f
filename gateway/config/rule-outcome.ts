import type { ApproverName } from '../../workers/contract/ids.ts'
import type { Outcome } from '../../workers/contract/profile.ts'
import type { Declared } from './declare.ts'
import type { Attribute } from './hcl/syntax.ts'
import { attributeOf, type Resolver, resolveName } from './resolve.ts'
import type { RuleInput } from './schema.ts'

/** Reasons of rules that give none. */
export const unsaid = { deny: 'denied by policy', ask: 'a rule wants approval' } as const

/** What a rule says of the actions it matches; null when that is wrong or missing (reported). */
export function compileOutcome(
  resolver: Resolver,
  { block, file, spot }: Declared,
  title: string,
  input: RuleInput | null,
): Outcome | null {
  const { report } = resolver
  const approve = attributeOf(block.body, 'approve')
  const written = attributeOf(block.body, 'verdict')
  const verdict = isEmpty(written) ? undefined : written
  if (approve !== undefined && verdict !== undefined) {
    report.error({ file, span: approve.at }, `${title} has verdict and approve: use one`, {
      related: [{ message: 'verdict is here', spot: { file, span: verdict.at } }],
    })
    return null
  }
  const own = input?.reason === '' ? undefined : input?.reason
  if (approve !== undefined) {
    const approvers = readStages(resolver, file, title, approve)
    const [first, ...rest] = approvers ?? []
    return first === undefined ? null : { do: 'ask', approvers: [first, ...rest], reason: own ?? unsaid.ask }
  }
  if (verdict === undefined) {
    const where = written === undefined ? spot : { file, span: written.value.at }
    report.error(where, `${title} has no outcome`, {
      hint: 'add verdict = "allow", verdict = "deny" or approve = [builtin.dashboard]',
    })
    return null
  }
  if (input?.verdict === undefined) return null
  return input.verdict === 'allow' ? { do: 'allow' } : { do: 'deny', reason: own ?? unsaid.deny }
}

/** `verdict = ""`, which counts as none. */
export function isEmpty(attribute: Attribute | undefined): boolean {
  return attribute?.value.kind === 'string' && attribute.value.value === ''
}

/** The stages of `approve = […]`; null when one is wrong. */
function readStages(resolver: Resolver, file: number, title: string, { value }: Attribute): ApproverName[] | null {
  const { report } = resolver
  const spot = { file, span: value.at }
  if (value.kind === 'unknown') return null
  if (value.kind !== 'list') {
    report.error(spot, 'approve must be a list of approvers', { hint: 'write approve = [builtin.dashboard]' })
    return null
  }
  if (value.items.length === 0) {
    report.error(spot, `${title} has no outcome: approve names nobody`, { hint: 'write approve = [builtin.dashboard]' })
    return null
  }
  const stages: ApproverName[] = []
  for (const item of value.items) {
    if (item.kind === 'map') {
      report.error({ file, span: item.at }, 'approve: each stage is a reference to an approver, not an object', {
        hint: 'write approve = [builtin.dashboard]',
      })
      continue
    }
    const name = resolveName(resolver, file, item, 'approver', 'approve')
    if (name === null) continue
    if (stages.includes(name as ApproverName))
      report.warn({ file, span: item.at }, `${title} asks the approver ${JSON.stringify(name)} twice`)
    stages.push(name as ApproverName)
  }
  return stages.length === value.items.length ? stages : null
}
