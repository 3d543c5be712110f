import type { ApproverDefinition } from '../../workers/contract/plugin.ts'
import { human } from './approvers/human/definition.ts'
import { llm } from './approvers/llm/definition.ts'

/** Every approver type there is, one line each. */
export const approvers: readonly ApproverDefinition[] = [
  human, //
  llm,
]

/** The approver everybody has: `builtin.dashboard`; no block may have its name. */
export const builtinApprover = 'dashboard'

/** The approver type an `approver "<type>"` block names; undefined for an unknown type. */
export function approverNamed(type: string): ApproverDefinition | undefined {
  return approvers.find((approver) => approver.type === type)
}
