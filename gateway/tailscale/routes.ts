import { toFault } from '../../workers/contract/errors.ts'
import { type AclFacts, aclAdvice } from './acl-advice.ts'
import type { TailscaleApi } from './api.ts'
import { notConfigured } from './keys.ts'
import { exitRoutes } from './offered-routes.ts'

/** What asking for approval came to. */
export type Approval =
  | { readonly kind: 'approved' }
  | { readonly kind: 'already' }
  | {
      readonly kind: 'refused'
      readonly because: string
      /** What a person has to do instead, with what to paste. */
      readonly advice: string
    }

/** What is to be approved. */
export interface ApprovalRequest {
  /** null: there is no OAuth client. */
  readonly api: TailscaleApi | null
  /** The gateway's own node. */
  readonly stableId: string
  /** Prefixes it offers. */
  readonly wanted: readonly string[]
  /** Routes that are approved as the node itself sees it; enough when nobody can be asked. */
  readonly approved: readonly string[]
  /** What the advice needs besides. */
  readonly facts: Omit<AclFacts, 'routes'>
  readonly signal?: AbortSignal
}

/** Has the gateway's routes approved where the API allows it. Never throws: what went wrong is in the answer. */
export async function approveRoutes(request: ApprovalRequest): Promise<Approval> {
  const { wanted, facts } = request
  const refused = (because: string, enabled: readonly string[]): Approval =>
    // the other prefixes only matter inside the gateway
    contains(enabled, exitRoutes)
      ? { kind: 'already' }
      : { kind: 'refused', because, advice: aclAdvice({ ...facts, routes: wanted }) }
  try {
    return await approve(request, refused)
  } catch (error) {
    return refused(toFault(error).message, request.approved)
  }
}

async function approve(
  { api, stableId, wanted, approved, signal }: ApprovalRequest,
  refused: (because: string, enabled: readonly string[]) => Approval,
): Promise<Approval> {
  if (api === null) return refused(notConfigured().message, approved)
  const before = await api.routes(stableId, signal)
  if (before.kind === 'refused') return refused(before.because, approved)
  const enabled = before.value.enabledRoutes
  if (contains(enabled, wanted)) return { kind: 'already' }
  // what somebody approved besides stays
  const after = await api.setRoutes(stableId, [...new Set([...enabled, ...wanted])], signal)
  if (after.kind === 'refused') return refused(after.because, enabled)
  if (contains(after.value.enabledRoutes, wanted)) return { kind: 'approved' }
  return refused('the API took the routes and did not enable them', after.value.enabledRoutes)
}

function contains(routes: readonly string[], wanted: readonly string[]): boolean {
  return wanted.every((route) => routes.includes(route))
}
