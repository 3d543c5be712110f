import type { ApproverName } from '../../workers/contract/ids.ts'
import type { ApproverDefinition } from '../../workers/contract/plugin.ts'
import { approverNamed, builtinApprover } from '../approvals/index.ts'
import type { Declared } from './declare.ts'
import { type Decoding, decode } from './decode.ts'
import { noteProblems } from './note-problems.ts'
import type { ApprovalSettings, DeclaredApprover } from './policy.ts'
import type { Resolver } from './resolve.ts'

/** A decoded approver block. */
export interface CompiledApprover {
  readonly name: ApproverName
  readonly declared: Declared
  readonly definition: ApproverDefinition
  readonly settings: unknown
}

/** Decodes an approver block; null when something in it is wrong (reported) or its type is unknown. */
export function compileApprover(decoding: Decoding, resolver: Resolver, declared: Declared): CompiledApprover | null {
  const { block, file, name, type } = declared
  const definition = approverNamed(type)
  if (definition === undefined) return null
  const title = `approver ${JSON.stringify(name)}`
  const from = { file, body: block.body, header: block.header, title, refs: resolver }
  const settings = decode(decoding, from, definition.settings)
  if (settings === null) return null
  if (noteProblems(decoding.report, from, definition.check?.(settings) ?? [], title)) return null
  return { name: name as ApproverName, declared, definition, settings }
}

/** All approvers by name, the dashboard first, with how long each has to answer. */
export function approversOf(
  compiled: Iterable<CompiledApprover>,
  { humanTimeoutMs }: Pick<ApprovalSettings, 'humanTimeoutMs'>,
): ReadonlyMap<ApproverName, DeclaredApprover> {
  const dashboard = builtinApprover as ApproverName
  const approvers = new Map<ApproverName, DeclaredApprover>([
    [dashboard, { name: dashboard, type: 'builtin', settings: {}, timeoutMs: humanTimeoutMs }],
  ])
  for (const { name, declared, settings } of compiled)
    approvers.set(name, { name, type: declared.type, settings, timeoutMs: timeoutOf(settings) ?? humanTimeoutMs })
  return approvers
}

/** What its own `timeout` says, in seconds there; null when it is not set, 0 or of a type without. */
function timeoutOf(settings: unknown): number | null {
  const { timeout } = settings as { readonly timeout?: unknown }
  return typeof timeout === 'number' && timeout > 0 ? timeout * 1000 : null
}
