import { ClawError } from '../../contract/errors.ts'
import type { Session } from '../../contract/plugin.ts'
import { authorityOf, claimsHost, hostMeant } from '../../wire/http/agent-host.ts'
import type { Exchange, ExchangeHandler } from '../../wire/http/exchange.ts'
import { serveHttp1 } from '../../wire/http/http1-server.ts'
import { serveHttp2 } from '../../wire/http/http2-server.ts'
import { problemResponse } from '../../wire/http/problem.ts'
import { readHello, terminateTls } from '../../wire/server-tls.ts'
import type { OriginPool } from '../pool.ts'
import type { Agent, HttpService, HttpSettings } from './http-service.ts'
import { serveExchange } from './serve-exchange.ts'

/** How the flows of a protocol are served. */
export interface Serving {
  readonly service: HttpService
  /** The thread's, and so of one profile. */
  readonly pool: OriginPool
}

/** Serves an agent's connection: TLS, HTTP/1.1 or HTTP/2, each request judged by itself. */
export async function serveConnection(session: Session<HttpSettings>, { service, pool }: Serving): Promise<void> {
  const { client, signal, flow } = session
  const isPlain = session.endpoint()?.settings.tls === false
  const opened = isPlain ? openPlain(session, service) : await openTls(session, service)
  if (opened === null) {
    client.destroy()
    return
  }
  const { host, socket, protocol } = opened
  const { port } = flow.target
  const scheme = isPlain ? 'http' : 'https'
  const agent: Agent = { session, host, port, scheme, authority: authorityOf(host, port, isPlain ? 80 : 443), pool }
  const running = new Set<Promise<void>>()
  const handler = exchangeHandler(agent, service, running)
  const cancel = () => socket.destroy()
  if (protocol === 'http/1.1') signal.addEventListener('abort', cancel, { once: true })
  try {
    if (signal.aborted) socket.destroy()
    else await (protocol === 'h2' ? serveHttp2(socket, handler, signal) : serveHttp1(socket, handler))
    // each ends soon: its agent is gone
    await Promise.all(running)
  } finally {
    signal.removeEventListener('abort', cancel)
    client.destroy()
  }
}

/** A connection without TLS names no host but the one it was made to. */
function openPlain(session: Session<HttpSettings>, { defaultPort }: HttpService) {
  const { targetName, target } = session.flow
  const { hosts } = session.endpoint() ?? { hosts: [] }
  const host = targetName ?? hostMeant(target.host, { hosts, port: target.port, defaultPort })
  return { host, socket: session.client, protocol: 'http/1.1' as const }
}

/** Takes TLS off the connection; null: it was refused, and recorded where somebody meant something by it. */
async function openTls(session: Session<HttpSettings>, { defaultPort }: HttpService) {
  const { client, signal, flow } = session
  let host = flow.targetName ?? flow.target.host
  let hasHello = false
  try {
    const hello = await readHello(client, signal)
    hasHello = true
    host = hello.serverName ?? host
    const { hosts } = session.endpoint() ?? { hosts: [] }
    if (!claimsHost(host, { hosts, port: flow.target.port, defaultPort }))
      throw new ClawError('CP_TLS', 'the server name is not one of the endpoint')
    return { host, ...(await terminateTls(client, host, (name) => session.certificate(name))) }
  } catch (error) {
    if (signal.aborted) return null
    const fault = error instanceof ClawError ? error : new ClawError('CP_TLS', 'the TLS handshake failed')
    // a connection opened ahead and closed unused says nothing
    if (hasHello || !fault.message.includes('was closed'))
      session.refuse(
        `TLS handshake with ${host}`,
        fault.hint === null ? fault.message : `${fault.message}; ${fault.hint}`,
        {
          host,
        },
      )
    return null
  }
}

function exchangeHandler(agent: Agent, service: HttpService, running: Set<Promise<void>>): ExchangeHandler {
  return {
    begin(exchange: Exchange) {
      const serving = serveExchange(agent, service, exchange).catch(() => exchange.abort())
      running.add(serving)
      void serving.then(() => running.delete(serving))
    },
    refuse({ status, because }) {
      agent.session.refuse(`malformed request to ${agent.host}`, because, { host: agent.host })
      return problemResponse({ status, title: 'The request cannot be read', detail: because, retry: false })
    },
  }
}
