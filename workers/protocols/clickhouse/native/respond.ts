import type { ActionId } from '../../../contract/ids.ts'
import { type Deny, deciderLabel } from '../../../contract/verdict.ts'
import { exceptionPacket } from '../../../wire/clickhouse/exception.ts'

/** Codes of ClickHouse's own errors that say best what happened here. */
export const codes = {
  accessDenied: 497,
  authenticationFailed: 516,
  unexpectedPacket: 101,
  tooManyRowsOrBytes: 396,
  cancelled: 394,
  network: 210,
  unsupported: 1,
} as const

/** What an agent is told of a denied statement. */
export function denial(deny: Deny, action: ActionId): Buffer {
  const label = deciderLabel(deny.decider)
  const decidedBy = deny.decider.by === 'rule' ? `rule "${label}"` : label
  const passes = deny.decider.by === 'failsafe' && /^(host_lost|recorder_stalled)$/.test(deny.decider.cause)
  const hint = passes
    ? 'The same statement may succeed later.'
    : 'The session can be used further; ask the operator to change the policy if this statement is needed.'
  return refusal(
    codes.accessDenied,
    `clawpatrol denied this statement: ${deny.reason} (${decidedBy}, action ${action}). ${hint}`,
  )
}

/** What an agent is told of anything else that does not go on. */
export function refusal(code: (typeof codes)[keyof typeof codes], because: string): Buffer {
  return exceptionPacket(code, code === codes.accessDenied ? `${because} (ACCESS_DENIED)` : because)
}
