import type { AnalysedStatement } from '../../../contract/sql.ts'
import type { Exchange } from '../../../wire/http/exchange.ts'
import type { OutgoingRequest } from '../../../wire/http/upstream-call.ts'
import { isObscure } from '../../../wire/sql/unseen-statement.ts'

/** What a request says by its body. */
export interface SaidByBody {
  readonly statement: AnalysedStatement
  /** Whether the statement is all there is to it, as it came. */
  readonly isWhole: boolean
}

/**
 * Whether a connection may carry another request after this one. Older servers leave unread what they do not need of a
 * body (the data of an INSERT they refuse, whatever comes with a GET) and take it for the next request, which then goes
 * unjudged and with the credential of the one after it. A statement that comes as a POST they read to its end.
 */
export function keeping({ head, body }: Exchange, { statement, isWhole }: SaidByBody): Pick<OutgoingRequest, 'keeps'> {
  if (body.isEmpty) return {}
  const { verb, verbs } = statement.facts
  const isStatement = isWhole && !isObscure(statement) && verb !== '' && !verbs.includes('insert')
  const isRead = head.method === 'POST' && isStatement && !head.headers.has('content-encoding')
  return { keeps: isRead ? 'after-success' : 'never' }
}
