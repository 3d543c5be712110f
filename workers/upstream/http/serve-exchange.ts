import type { Sample } from '../../contract/action.ts'
import type { Closing, Judged } from '../../contract/plugin.ts'
import type { Deny } from '../../contract/verdict.ts'
import { isSameAuthority } from '../../wire/http/agent-host.ts'
import type { Exchange } from '../../wire/http/exchange.ts'
import { denial, failure } from '../../wire/http/problem.ts'
import { Sampler } from '../../wire/http/sampler.ts'
import type { TunnelReport } from '../../wire/tunnel.ts'
import { echoOf } from '../secret-echo.ts'
import type { Agent, HttpService, Inspected } from './http-service.ts'
import { obstacleOf, prepareRequest } from './prepare-request.ts'
import { type Relayed, relay } from './relay.ts'
import { serveUpgrade } from './serve-upgrade.ts'

type Outcome = Pick<Closing, 'status' | 'result'>

/** Judges one request and, when it is allowed, gets its answer. Resolves once the action is over and recorded. */
export async function serveExchange(agent: Agent, service: HttpService, exchange: Exchange): Promise<void> {
  const { session } = agent
  const { head, body } = exchange
  const up = new Sampler(session.limits.sampleBytes).describe(head.headers)
  if (body.received > 0) up.add(body.heldPrefix(body.received))
  body.tap = (chunk) => up.add(chunk)
  let gone: string | null = null
  exchange.onGone = (because) => {
    gone = because
  }
  const shown = service.show(agent, exchange)
  if (head.authority !== null && !isMeant(agent, head.authority)) {
    const because = 'the request names another host than the connection was opened to'
    session.refuse(shown.title, because, shown.record)
    return service.answer(exchange, { status: 421, title: 'Misdirected request', detail: because, retry: false })
  }
  const endpoint = session.endpoint()
  const use = endpoint === null ? null : service.choose(endpoint, exchange)
  const inspected = await service.inspect(agent, exchange, { endpoint, use })
  if (inspected.kind === 'broken') {
    session.refuse(shown.title, inspected.error?.message ?? 'the request body broke off', shown.record)
    if (gone !== null || inspected.error?.code !== 'CP_PROTOCOL') return exchange.abort()
    const detail = inspected.error.message
    return service.answer(exchange, { status: 400, title: 'The request cannot be read', detail, retry: false })
  }
  const { title, record, facts, unknowns, described } = { ...shown, ...inspected }
  const judged = await session.judge({
    title,
    facts,
    unknowns,
    record,
    credential: use?.name ?? null,
    obstacle: inspected.obstacle ?? (await obstacleOf(session, service, use)),
    described,
  })
  const down = new Sampler(session.limits.sampleBytes)
  const end = (
    outcome: string | Outcome,
    error: string | null,
    response: Sample | null = null,
    tunnelled?: TunnelReport,
  ) =>
    session.close(judged.action, {
      ...(typeof outcome === 'string' ? { status: outcome } : outcome),
      error,
      bytesUp: body.received + (tunnelled?.bytesUp ?? 0),
      bytesDown: down.total + (tunnelled?.bytesDown ?? 0),
      request: shownSample(up.sample(body.isOver && body.error === null), inspected),
      response,
    } satisfies Closing)
  const deny = (ruling: Deny, error: string | null) => {
    service.answer(exchange, denial(ruling, judged.action.id))
    end('denied', error)
  }
  if (judged.ruling.kind === 'deny') return deny(judged.ruling, null)
  // what is judged in one turn goes on together in the next: a fifth less processor time with many at once
  await new Promise((resolve) => setImmediate(resolve))
  if (gone !== null) return end('error', gone)
  const outgoing = await prepareRequest(agent, service, exchange, { use, inspected })
  if (outgoing.kind === 'deny') return deny(outgoing, outgoing.reason)
  if (gone !== null) return end('error', gone)
  if (outgoing.kind === 'failed') {
    service.answer(exchange, failure(outgoing.error, judged.action.id))
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
    maxBytes: judged.ruling.limits?.bytes,
  })
  if (relayed.kind === 'upgraded') {
    const tunnelled = await serveUpgrade({ agent, exchange, action: judged.action, secret }, relayed)
    return end('101', tunnelled.error, null, tunnelled)
  }
  finish(relayed, { service, exchange, judged, down, end })
}

/** Whether a request names the host of its connection; without TLS nothing but its address may have named that. */
function isMeant({ session, scheme, host, port }: Agent, authority: string): boolean {
  const { target } = session.flow
  return (
    isSameAuthority(authority, host, port) ||
    (scheme === 'http' && isSameAuthority(authority, target.host, target.port))
  )
}

function shownSample(sample: Sample | null, { sample: shown }: Inspected): Sample | null {
  return sample === null || shown === undefined ? sample : shown(sample)
}

function finish(
  relayed: Exclude<Relayed, { kind: 'upgraded' }>,
  {
    service,
    exchange,
    judged,
    down,
    end,
  }: {
    readonly service: HttpService
    readonly exchange: Exchange
    readonly judged: Judged
    readonly down: Sampler
    readonly end: (outcome: string | Outcome, error: string | null, response?: Sample | null) => void
  },
): void {
  switch (relayed.kind) {
    case 'answered':
      end(service.outcomeOf?.(relayed.head) ?? String(relayed.head.status), relayed.error, down.sample(relayed.isWhole))
      return
    case 'failed':
      service.answer(exchange, failure(relayed.error, judged.action.id))
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
