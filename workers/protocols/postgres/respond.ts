import type { ActionId } from '../../contract/ids.ts'
import { type Allow, type Deny, deciderLabel, type ResultLimits } from '../../contract/verdict.ts'
import type { Ending } from './owed.ts'

/** What an error says besides its message. */
export interface ErrorNotes {
  readonly detail?: string
  readonly hint?: string
}

/** Transaction status of a session: idle, in a transaction, in a failed one. */
export type TransactionStatus = 'I' | 'T' | 'E'

/** An ErrorResponse after which the connection is closed. */
export function fatal(code: string, message: string, notes: ErrorNotes = {}): Buffer {
  return report('FATAL', code, message, notes)
}

/** An ErrorResponse that ends a statement. */
export function errorResponse(code: string, message: string, notes: ErrorNotes = {}): Buffer {
  return report('ERROR', code, message, notes)
}

/** The ReadyForQuery that ends the answer to a Query or a Sync. */
export function readyForQuery(status: TransactionStatus): Buffer {
  return Buffer.from([0x5a, 0, 0, 0, 5, status.charCodeAt(0)])
}

/** What an agent is told of a denied statement. */
export function denial(deny: Deny, action: ActionId): Buffer {
  const label = deciderLabel(deny.decider)
  const decidedBy = deny.decider.by === 'rule' ? `rule "${label}"` : label
  const passes = deny.decider.by === 'failsafe' && /^(host_lost|recorder_stalled)$/.test(deny.decider.cause)
  return errorResponse('42501', `clawpatrol denied this statement: ${deny.reason}`, {
    detail: `${decidedBy}, action ${action}`,
    hint: passes
      ? 'The same statement may succeed later.'
      : 'The session can be used further; ask the operator to change the policy if this statement is needed.',
  })
}

/** What an agent is told of a statement that would give more than the rule that allowed it lets it. */
export function limitReached(
  { decider, limits = {} }: Allow,
  action: ActionId,
  over: keyof ResultLimits,
  ending: Ending,
): Buffer {
  const message = `clawpatrol ended this statement: it gives more than ${limits[over]} ${over === 'rows' ? 'rows' : 'bytes of rows'}`
  const notes = { detail: `limit_${over} of rule "${deciderLabel(decider)}", action ${action}`, hint: hints[ending] }
  return report(ending === 'fatal' ? 'FATAL' : 'ERROR', '54000', message, notes)
}

const hints: { readonly [ending in Ending]: string } = {
  stopped: 'Ask for less, with LIMIT or a narrower WHERE. The session can be used further.',
  done: 'It had run to its end before it could be stopped: what it changed stays. Ask for less, with LIMIT or a narrower WHERE.',
  fatal: 'Send it by itself, and ask for less, with LIMIT or a narrower WHERE.',
}

/** @see postgresql.org/docs/current/protocol-error-fields.html */
function report(severity: 'ERROR' | 'FATAL', code: string, message: string, { detail, hint }: ErrorNotes): Buffer {
  const fields = [`S${severity}`, `V${severity}`, `C${code}`, `M${plain(message)}`]
  if (detail !== undefined) fields.push(`D${plain(detail)}`)
  if (hint !== undefined) fields.push(`H${plain(hint)}`)
  const body = Buffer.from(`${fields.join('\0')}\0\0`)
  const head = Buffer.alloc(5)
  head[0] = 0x45
  head.writeInt32BE(body.length + 4, 1)
  return Buffer.concat([head, body])
}

/** A NUL would end the field. */
function plain(text: string): string {
  return text.replaceAll('\0', ' ')
}
