import type { ClawError } from '../../contract/errors.ts'
import type { ActionId } from '../../contract/ids.ts'
import { type Deny, deciderLabel } from '../../contract/verdict.ts'
import type { Exchange, Outgoing } from './exchange.ts'
import { HeaderList } from './header-list.ts'

/** An answer of the gateway itself, in the words of RFC 9457. */
export interface Problem {
  readonly status: number
  readonly title: string
  /** For people: what happened and why. No secret, no header value. */
  readonly detail: string
  /** Name of the rule that decided, or what decided instead. */
  readonly rule?: string
  readonly reason?: string
  readonly action?: ActionId
  /** Whether the same request may succeed later. */
  readonly retry: boolean
  /** It was allowed, but only up to a length. */
  readonly isTooLong?: true
}

const reasons: { readonly [status: number]: string } = {
  400: 'Bad Request',
  403: 'Forbidden',
  405: 'Method Not Allowed',
  414: 'URI Too Long',
  421: 'Misdirected Request',
  431: 'Request Header Fields Too Large',
  501: 'Not Implemented',
  502: 'Bad Gateway',
  504: 'Gateway Timeout',
  505: 'HTTP Version Not Supported',
}

/** The closest gRPC codes: PERMISSION_DENIED, UNAVAILABLE, DEADLINE_EXCEEDED, INTERNAL. */
const grpcStatus: { readonly [status: number]: number } = { 403: 7, 502: 14, 504: 4 }

/** What an agent is told of a deny. */
export function denial(deny: Deny, action: ActionId): Problem {
  const rule = deciderLabel(deny.decider)
  const passes = deny.decider.by === 'failsafe' && /^(host_lost|recorder_stalled)$/.test(deny.decider.cause)
  return {
    status: 403,
    title: 'Denied by policy',
    detail: `clawpatrol denied this request: ${deny.reason} [${rule}]`,
    rule,
    reason: deny.reason,
    action,
    retry: passes,
  }
}

/** What an agent is told when an allowed request could not be served. */
export function failure(error: ClawError, action: ActionId): Problem {
  const detail = error.hint === null ? error.message : `${error.message}; ${error.hint}`
  switch (error.code) {
    case 'CP_TIMEOUT':
      return { status: 504, title: 'The upstream did not answer in time', detail, action, retry: true }
    case 'CP_PROTOCOL':
      return { status: 400, title: 'The request cannot be read', detail, action, retry: false }
    case 'CP_LIMIT':
      return { status: 403, title: 'The result is too long', detail, action, retry: false, isTooLong: true }
    case 'CP_FORBIDDEN':
      return { status: 403, title: 'Denied by policy', detail, action, retry: false }
    default:
      return { status: 502, title: 'The upstream cannot be reached', detail, action, retry: true }
  }
}

/** A problem as an HTTP response. */
export function problemResponse(problem: Problem): { readonly response: Outgoing; readonly body: Buffer } {
  const { status, title, detail, rule, reason, action, retry } = problem
  const members = { type: 'about:blank', title, status, detail, rule, reason, action, retry }
  const body = Buffer.from(`${JSON.stringify(members)}\n`)
  const headers = HeaderList.of('Content-Type', 'application/problem+json', 'Cache-Control', 'no-store')
  headers.set('Clawpatrol-Decision', status === 403 ? 'deny' : 'error')
  return { response: { status, reason: reasons[status] ?? 'Error', headers, length: body.length }, body }
}

/** Answers an exchange with a problem, in the form its client understands. */
export function answerProblem(exchange: Exchange, problem: Problem): void {
  if (exchange.isAnswered) {
    exchange.abort()
    return
  }
  if (isGrpc(exchange)) {
    answerGrpc(exchange, problem)
    return
  }
  const { response, body } = problemResponse(problem)
  if (exchange.head.method !== 'HEAD') {
    const sink = exchange.respond(response)
    sink.write(body)
    sink.end(null)
    return
  }
  response.headers.set('Content-Length', String(body.length))
  exchange.respond({ ...response, length: 'none' }).end(null)
}

function isGrpc({ head }: Exchange): boolean {
  return head.version === '2' && head.headers.get('content-type')?.startsWith('application/grpc') === true
}

/** A response of headers alone: gRPC's "Trailers-Only". */
function answerGrpc(exchange: Exchange, { status, detail }: Problem): void {
  const headers = HeaderList.of('content-type', 'application/grpc')
  headers.set('grpc-status', String(grpcStatus[status] ?? 13))
  headers.set('grpc-message', percentEncoded(detail))
  headers.set('clawpatrol-decision', status === 403 ? 'deny' : 'error')
  exchange.respond({ status: 200, reason: 'OK', headers, length: 'none' }).end(null)
}

/** @see gRPC over HTTP/2, "Percent-Encoded": printable ASCII but % stays */
function percentEncoded(text: string): string {
  return [...Buffer.from(text)]
    .map((byte) =>
      byte >= 0x20 && byte < 0x7f && byte !== 0x25
        ? String.fromCharCode(byte)
        : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`,
    )
    .join('')
}
