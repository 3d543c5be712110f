import type { ProtocolRuntime } from '../../../contract/plugin.ts'
import type { HttpService } from '../../../upstream/http/http-service.ts'
import { serveConnection } from '../../../upstream/http/serve-connection.ts'
import { OriginPool } from '../../../upstream/pool.ts'
import { pathOf } from '../../../wire/http/request-facts.ts'
import { StatementCache } from '../../../wire/sql/statement-cache.ts'
import { type ClickhouseHttpsSettings, clickhouseHttps as definition } from '../definition.ts'
import { loadAnalyser } from '../statement.ts'
import { chooseLogin } from './agent-login.ts'
import { fillLogin } from './fill-login.ts'
import { inspectRequest, settingsOf } from './inspect-request.ts'
import { readSession } from './request-session.ts'
import { answerException } from './respond.ts'
import { readParameters } from './url-parameters.ts'

/** One per thread, and so per profile: connections are never shared between tenants. */
const pool = new OriginPool()

/** Rough size of the statements a thread remembers, bytes. */
const mostRemembered = 16 << 20
/** Longest title, characters. */
const maxTitle = 1024

let loading: Promise<StatementCache> | null = null

function statementCache(): Promise<StatementCache> {
  loading ??= loadAnalyser().then((analyse) => new StatementCache(analyse, mostRemembered))
  return loading
}

const service: HttpService = {
  defaultPort: definition.defaultPort,
  takesTrailers: false,
  show({ host, scheme, authority }, { head }) {
    const path = pathOf(head.target).slice(0, maxTitle)
    return { title: `${head.method} ${scheme}://${authority}${path}`, record: { method: head.method, host, path } }
  },
  choose(endpoint, { head: { headers, target } }) {
    const parameters = readParameters(target)
    const { database } = readSession({ headers, parameters, usual: settingsOf(endpoint).database })
    return chooseLogin(endpoint.credentials, { headers, parameters, database: database ?? undefined })
  },
  async inspect(agent, exchange, by) {
    const cache = await statementCache()
    return await inspectRequest(agent, exchange, { ...by, analyse: (text) => cache.analyse(text) })
  },
  fill: fillLogin,
  outcomeOf({ status, headers }) {
    const code = headers.get('x-clickhouse-exception-code')
    if (code !== undefined && /^\d{1,9}$/.test(code)) return { status: `exception ${code}` }
    const rows = rowsIn(headers.get('x-clickhouse-summary'))
    return { status: String(status), ...(rows === null ? {} : { result: { columns: null, rows } }) }
  },
  answer: answerException,
}

/** Rows of a result by the server's own summary; null: it has none, or does not say. */
function rowsIn(summary: string | undefined): number | null {
  const found = /"result_rows":"(\d{1,15})"/.exec(summary ?? '')
  return found === null ? null : Number(found[1])
}

/** Serves the flows of `clickhouse_https` endpoints: each request is judged by the statement in it. */
export const clickhouseHttps: ProtocolRuntime<ClickhouseHttpsSettings> = {
  serve: (session) => serveConnection(session, { service, pool }),
}
