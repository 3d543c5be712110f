import { ClawError } from '../../contract/errors.ts'
import { type ErrorFields, errorFields } from './login-messages.ts'
import { fatal } from './respond.ts'

/** What a server answered instead of a session; the cause of the error that is thrown. */
class ServerRefusal extends Error {
  readonly fields: ErrorFields

  constructor(fields: ErrorFields) {
    super('the server refused the session')
    this.fields = fields
  }
}

/** Longest field of a server's error that is passed on, characters. */
const maxField = 2000

/**
 * The error for an ErrorResponse of a server that did not open a session.
 * @param secret occurrences are taken out: a server may say what it was told
 */
export function serverRefusal(body: Buffer, secret: string | null): ClawError {
  const fields = new Map(
    [...errorFields(body)].map(([letter, value]) => {
      const shown = secret === null || secret === '' ? value : value.replaceAll(secret, '***')
      return [letter, shown.slice(0, maxField)]
    }),
  )
  const code = sqlState(fields)
  const message = `the server refused the session: ${fields.get('M') ?? 'it did not say why'} (${code})`
  return new ClawError('CP_UPSTREAM', message, {
    cause: new ServerRefusal(fields),
    ...(code.startsWith('28') ? { hint: 'check user and secret of the credential with the operator' } : {}),
  })
}

/** What an agent is told, before the connection is closed, of an error that kept its session from being opened. */
export function loginRefusal(error: unknown): Buffer {
  if (!(error instanceof ClawError)) return fatal('08006', 'clawpatrol could not open the session')
  const notes = error.hint === null ? {} : { hint: error.hint }
  if (error.cause instanceof ServerRefusal) {
    const { fields } = error.cause
    const detail = fields.get('D')
    const hint = fields.get('H') ?? error.hint
    return fatal(sqlState(fields), fields.get('M') ?? error.message, {
      ...(detail === undefined ? {} : { detail }),
      ...(hint === null ? {} : { hint }),
    })
  }
  return fatal(codeOf(error), error.message, notes)
}

function codeOf({ code }: ClawError): string {
  switch (code) {
    case 'CP_SECRET':
    case 'CP_FORBIDDEN':
      return '28000'
    case 'CP_CANCELLED':
      return '57P01'
    default:
      return '08006'
  }
}

function sqlState(fields: ErrorFields): string {
  const code = fields.get('C') ?? ''
  return /^[0-9A-Z]{5}$/.test(code) ? code : '08006'
}
