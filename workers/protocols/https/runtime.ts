import type { ProtocolRuntime } from '../../contract/plugin.ts'
import { chooseCredential } from '../../upstream/choose-credential.ts'
import type { HttpService } from '../../upstream/http/http-service.ts'
import { serveConnection } from '../../upstream/http/serve-connection.ts'
import { injectHttp } from '../../upstream/inject.ts'
import { OriginPool } from '../../upstream/pool.ts'
import { inspectBody } from '../../wire/http/inspect-body.ts'
import { answerProblem } from '../../wire/http/problem.ts'
import { HttpFacts, pathOf, unknownsOf } from '../../wire/http/request-facts.ts'
import { https as definition, type HttpsSettings } from './definition.ts'
import { describeRequest } from './describe-request.ts'

/** One per thread, and so per profile: connections are never shared between tenants. */
const pool = new OriginPool()

/** Longest title, characters. */
const maxTitle = 1024

const service: HttpService = {
  defaultPort: definition.defaultPort,
  show({ host, authority }, { head }) {
    const path = pathOf(head.target).slice(0, maxTitle)
    return {
      title: `${head.method} https://${authority}${path}`,
      record: { method: head.method, host, path, version: head.version },
    }
  },
  choose: ({ credentials }, { head }) => chooseCredential(credentials, head),
  async inspect({ session, host, authority }, exchange, { endpoint }) {
    const { head } = exchange
    const inspected = endpoint === null ? null : await inspectBody(exchange, endpoint, session.limits.inspectBytes)
    if (inspected?.kind === 'broken') return inspected
    const body = inspected ?? { kind: 'unread', unknowns: [] }
    const facts = new HttpFacts(head, host, body)
    const unknowns = unknownsOf(head, body)
    const described = () => describeRequest(exchange, { host: authority, facts, unknowns })
    return { kind: 'inspected', facts: { http: facts }, unknowns, described }
  },
  fill(request, use, secret) {
    injectHttp(use, secret, request)
    return request
  },
  answer: answerProblem,
}

/** Serves the flows of `https` endpoints: TLS, HTTP/1.1 and HTTP/2, each request judged by itself. */
export const https: ProtocolRuntime<HttpsSettings> = {
  serve: (session) => serveConnection(session, { service, pool }),
}
