import { asyncGrantOf } from '../approvals/approvers/human/async-grant.ts'
import { type HumanApproverSettings, human } from '../approvals/approvers/human/definition.ts'
import type { CompiledApprover } from './approvers.ts'
import type { Report, Spot } from './diagnostics.ts'
import type { GatewaySettings } from './policy.ts'
import type { CompiledProfile } from './profiles.ts'
import { attributeOf } from './resolve.ts'
import type { CompiledRule } from './rules.ts'

/** What has to fit together so that requests may be answered before they are approved. */
export interface AsyncGrantParts {
  readonly gateway: Pick<GatewaySettings, 'publicUrl'> | null
  readonly approvers: readonly CompiledApprover[]
  readonly profiles: readonly CompiledProfile[]
  readonly rules: readonly CompiledRule[]
}

/** Reports async grants that cannot work, and warns of those that never come into effect. */
export function checkAsyncGrants(report: Report, { gateway, approvers, profiles, rules }: AsyncGrantParts): void {
  const granting = approvers.flatMap((approver) => {
    return isGranting(approver) ? [{ approver, title: `approver ${JSON.stringify(approver.name)}` }] : []
  })
  const opting = profiles.filter(({ wantsAsync }) => wantsAsync)
  const needs = 'needs public_url: agents are sent to a status page there'
  const hint = 'set public_url of the gateway block, like "https://gate.example.com"'
  const hasUrl = gateway === null || gateway.publicUrl !== null
  for (const { approver, title } of granting) {
    const spot = spotOfGrant(approver)
    if (!hasUrl) report.error(spot, `${title}: async_grant ${needs}`, { hint })
    if (opting.length === 0)
      report.warn(spot, `${title}: async_grant has no effect: no profile has hitl_async_grants = true`)
  }
  for (const { name, declared } of opting) {
    const value = attributeOf(declared.block.body, 'hitl_async_grants')?.value
    const spot = { file: declared.file, span: value?.at ?? declared.block.header }
    if (!hasUrl) report.error(spot, `profile ${JSON.stringify(name)}: hitl_async_grants ${needs}`, { hint })
    if (granting.length === 0)
      report.warn(
        spot,
        `profile ${JSON.stringify(name)}: hitl_async_grants has no effect: no approver has async_grant { enabled = true }`,
      )
  }
  const names = new Set<string>(granting.map(({ approver }) => approver.name))
  for (const rule of rules) warnOfStages(report, rule, names)
}

function isGranting({ definition, settings }: CompiledApprover): boolean {
  return definition.type === human.type && asyncGrantOf(settings as HumanApproverSettings) !== null
}

function spotOfGrant({ declared }: CompiledApprover): Spot {
  const block = declared.block.body.blocks.find(({ type }) => type === 'async_grant')
  return { file: declared.file, span: block?.header ?? declared.block.header }
}

function warnOfStages(report: Report, { declared, rule }: CompiledRule, granting: ReadonlySet<string>): void {
  const { outcome, name } = rule
  if (outcome.do !== 'ask' || outcome.approvers.length < 2) return
  const found = outcome.approvers.find((approver) => granting.has(approver))
  if (found === undefined) return
  const value = attributeOf(declared.block.body, 'approve')?.value
  report.warn(
    { file: declared.file, span: value?.at ?? declared.block.header },
    `rule ${JSON.stringify(name)}: async_grant of approver ${JSON.stringify(found)} has no effect here: there is more than one stage`,
  )
}
