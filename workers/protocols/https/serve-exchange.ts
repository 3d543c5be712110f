import type { Sample } from '../../contract/action.ts'
import type { Closing, Judged, Session } from '../../contract/plugin.ts'
import type { Deny } from '../../contract/verdict.ts'
import { chooseCredential } from '../../upstream/choose-credential.ts'
import type { OriginPool } from '../../upstream/pool.ts'
import { echoOf } from '../../upstream/secret-echo.ts'
import type { Exchange } from '../../wire/http/exchange.ts'
import { HttpFacts, pathOf, unknownsOf } from '../../wire/http/request-facts.ts'
import type { TunnelReport } from '../../wire/tunnel.ts'
import { isSameAuthority } from './agent-host.ts'
import type { HttpsSettings } from './definition.ts'
import { describeRequest } from './describe-request.ts'
import { inspectBody } from './inspect-body.ts'
import { obstacleOf, prepareRequest } from './prepare-request.ts'
import { type Relayed, relay } from './relay.ts'
import { answerProblem, denial, failure } from './respond.ts'
import { Sampler } from './sampler.ts'
import { serveUpgrade } from './serve-upgrade.ts'

/** One agent's connection. */
export interface Agent {
  readonly session: Session<HttpsSettings>
  /** Requested host, lower case, and port. */
  readonly host: string
  readonly port: number
  /** Host and port as they go upstream. */
  readonly authority: string
  readonly pool: OriginPool
}

/** Judges one request and, when it is allowed, gets its answer. Resolves once the action is over and recorded. */
export async function serveExchange(agent: Agent, exchange: Exchange): Promise<void> {
  const { session, host, port } = agent
  const { head, body } = exchange
  const up = new Sampler(session.limits.sampleBytes).describe(head.headers)
  if (body.received > 0) up.add(body.heldPrefix(body.received))
  body.tap = (chunk) => up.add(chunk)
  let gone: string | null = null
  exchange.onGone = (because) => {
    gone = because
  }
  const { title, record } = describe(agent, exchange)
  if (head.authority !== null && !isSameAuthority(head.authority, host, port)) {
    const because = 'the request names another host than the connection was opened to'
    session.refuse(title, because, record)
    return answerProblem(exchange, { status: 421, title: 'Misdirected request', detail: because, retry: false })
  }
  const endpoint = session.endpoint()
  const use = endpoint === null ? null : chooseCredential(endpoint.credentials, head)
  const inspected = endpoint === null ? null : await inspectBody(exchange, endpoint, session.limits.inspectBytes)
  if (inspected?.kind === 'broken') {
    session.refuse(title, inspected.error?.message ?? 'the request body broke off', record)
    if (gone !== null || inspected.error?.code !== 'CP_PROTOCOL') return exchange.abort()
    const detail = inspected.error.message
    return answerProblem(exchange, { status: 400, title: 'The request cannot be read', detail, retry: false })
  }
  const seenBody = inspected ?? { kind: 'unread', unknowns: [] }
  const facts = new HttpFacts(head, host, seenBody)
  const unknowns = unknownsOf(head, seenBody)
  const judged = await session.judge({
    title,
    facts: { http: facts },
    unknowns,
    record,
    credential: use?.name ?? null,
    obstacle: await obstacleOf(session, use),
    described: () => describeRequest(exchange, { host: agent.authority, facts, unknowns }),
  })
  const down = new Sampler(session.limits.sampleBytes)
  const end = (status: string, error: string | null, response: Sample | null = null, tunnelled?: TunnelReport) =>
    session.close(judged.action, {
      status,
      error,
      bytesUp: body.received + (tunnelled?.bytesUp ?? 0),
      bytesDown: down.total + (tunnelled?.bytesDown ?? 0),
      request: up.sample(body.isOver && body.error === null),
      response,
    } satisfies Closing)
  const deny = (ruling: Deny, error: string | null) => {
    answerProblem(exchange, denial(ruling, judged.action.id))
    end('denied', error)
  }
  if (judged.ruling.kind === 'deny') return deny(judged.ruling, null)
  if (gone !== null) return end('error', gone)
  const outgoing = await prepareRequest(agent, exchange, use)
  if (outgoing.kind === 'deny') return deny(outgoing, outgoing.reason)
  if (gone !== null) return end('error', gone)
  if (outgoing.kind === 'failed') {
    answerProblem(exchange, failure(outgoing.error, judged.action.id))
    return end('error', outgoing.error.message)
  }
  const { request, origin, secret, to } = outgoing
  const relayed = await relay({
    permit: judged.ruling.permit,
    action: judged.action.id,
    origin,
    dial: () => session.dial(to()),
    prefers: head.version === '2' ? 'h2' : 'http/1.1',
    request,
    body,
    exchange,
    sampler: down,
    echo: secret === null ? null : echoOf(secret),
  })
  if (relayed.kind === 'upgraded') {
    const tunnelled = await serveUpgrade({ agent, exchange, action: judged.action, secret }, relayed)
    return end('101', tunnelled.error, null, tunnelled)
  }
  finish(relayed, { exchange, judged, down, end })
}

function finish(
  relayed: Exclude<Relayed, { kind: 'upgraded' }>,
  {
    exchange,
    judged,
    down,
    end,
  }: {
    readonly exchange: Exchange
    readonly judged: Judged
    readonly down: Sampler
    readonly end: (status: string, error: string | null, response?: Sample | null) => void
  },
): void {
  switch (relayed.kind) {
    case 'answered':
      end(String(relayed.status), relayed.error, down.sample(relayed.isWhole))
      return
    case 'failed':
      answerProblem(exchange, failure(relayed.error, judged.action.id))
      end('error', relayed.error.message)
      return
    case 'gone':
      end('error', relayed.because, down.sample(false))
      return
    default:
      relayed satisfies never
      return
  }
}

/** Longest title, characters. */
const maxTitle = 1024

function describe({ host, authority }: Agent, { head }: Exchange) {
  const path = pathOf(head.target).slice(0, maxTitle)
  return {
    title: `${head.method} https://${authority}${path}`,
    record: { method: head.method, host, path, version: head.version },
  }
}
