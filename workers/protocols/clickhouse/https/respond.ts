import type { Exchange } from '../../../wire/http/exchange.ts'
import { HeaderList } from '../../../wire/http/header-list.ts'
import type { Problem } from '../../../wire/http/problem.ts'

/** Errors of the server by which its clients know what went wrong. */
const exceptions: { readonly [status: number]: readonly [code: number, name: string] } = {
  400: [62, 'SYNTAX_ERROR'],
  403: [497, 'ACCESS_DENIED'],
  421: [497, 'ACCESS_DENIED'],
  502: [210, 'NETWORK_ERROR'],
  504: [209, 'SOCKET_TIMEOUT'],
}
const tooMuch = [396, 'TOO_MANY_ROWS_OR_BYTES'] as const
const otherException = [1002, 'UNKNOWN_EXCEPTION'] as const

const reasons: { readonly [status: number]: string } = {
  400: 'Bad Request',
  403: 'Forbidden',
  421: 'Misdirected Request',
  502: 'Bad Gateway',
  504: 'Gateway Timeout',
}

/** A problem in the words of the server, on one line. */
export function exceptionText(problem: Problem): string {
  const { status, detail, rule, reason, action, retry } = problem
  const [code, name] = exceptionOf(problem)
  const said = status === 403 && reason !== undefined ? `clawpatrol denied this statement: ${reason}` : detail
  const by = [rule === undefined ? '' : `decided by ${rule}`, action === undefined ? '' : `action ${action}`]
  const where = by.filter((each) => each !== '').join(', ')
  const next = problem.isTooLong
    ? 'Ask for less, e.g. with LIMIT.'
    : retry
      ? 'The same statement may succeed later.'
      : 'Ask the operator to change the policy if this statement is needed.'
  const text = `${said}${where === '' ? '' : ` [${where}]`}. ${next}`
  return `Code: ${code}. DB::Exception: ${text.replace(/\s+/g, ' ')} (${name})\n`
}

function exceptionOf({ status, isTooLong }: Problem): readonly [code: number, name: string] {
  return isTooLong ? tooMuch : (exceptions[status] ?? otherException)
}

/** Answers an exchange instead of the server, as the server answers a statement it does not run. */
export function answerException(exchange: Exchange, problem: Problem): void {
  if (exchange.isAnswered) {
    exchange.abort()
    return
  }
  const { status } = problem
  const body = Buffer.from(exceptionText(problem))
  const headers = HeaderList.of('Content-Type', 'text/plain; charset=UTF-8', 'Cache-Control', 'no-store')
  headers.set('X-ClickHouse-Exception-Code', String(exceptionOf(problem)[0]))
  headers.set('Clawpatrol-Decision', status === 403 ? 'deny' : 'error')
  const response = { status, reason: reasons[status] ?? 'Error', headers }
  if (exchange.head.method === 'HEAD') {
    headers.set('Content-Length', String(body.length))
    exchange.respond({ ...response, length: 'none' }).end(null)
    return
  }
  const sink = exchange.respond({ ...response, length: body.length })
  sink.write(body)
  sink.end(null)
}
