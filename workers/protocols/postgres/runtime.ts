import type { Duplex } from 'node:stream'
import type { ProtocolRuntime, Session } from '../../contract/plugin.ts'
import { chooseUse } from '../../upstream/choose-login.ts'
import { closeGently } from '../../wire/linger.ts'
import { SearchPath } from '../../wire/sql/search-path.ts'
import { StatementCache } from '../../wire/sql/statement-cache.ts'
import { forwardCancel } from './cancel.ts'
import type { PostgresSettings } from './definition.ts'
import { judgeSettings } from './judge-settings.ts'
import { loginRefusal } from './login-refusal.ts'
import { pump } from './pump.ts'
import { fatal } from './respond.ts'
import { type AgentStartup, readStartup } from './startup.ts'
import { loadAnalyser } from './statement.ts'
import { openUpstream } from './upstream-login.ts'

/** Rough size of the statements a thread remembers, bytes. */
const mostRemembered = 16 << 20

let loading: Promise<StatementCache> | null = null

/** One per thread, and so per profile; the grammar is loaded with it. */
export function statementCache(): Promise<StatementCache> {
  loading ??= loadAnalyser().then((analyse) => new StatementCache(analyse, mostRemembered))
  return loading
}

const authenticationOk = Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 0])

/** Serves the flows of `postgres` endpoints: sessions, each statement judged by itself, and cancel requests. */
export const postgres: ProtocolRuntime<PostgresSettings> = {
  async serve(session) {
    const cache = statementCache()
    // awaited where it is used; until then nobody else looks at its failure
    cache.catch(() => undefined)
    const startup = await readStartup(session)
    if (startup === null) return
    if (startup.kind === 'cancel') return await forwardCancel(session, startup.key)
    try {
      await serveSession(session, startup, cache)
    } finally {
      if (session.client !== startup.stream) session.client.destroy()
    }
  },
}

async function serveSession(
  session: Session<PostgresSettings>,
  startup: AgentStartup,
  cache: Promise<StatementCache>,
): Promise<void> {
  const agent = startup.stream
  const title = `session of ${startup.user} on ${startup.database}`
  const refuse = async (because: string, told: Buffer) => {
    session.refuse(title, because, { user: startup.user, database: startup.database })
    await endWith(agent, told)
  }
  const use = chooseUse(session.endpoint()?.credentials ?? [], startup)
  if (typeof use === 'string') return await refuse(use, fatal('28000', use))
  const loaded = await cache.catch(() => null)
  if (loaded === null)
    return await refuse('the SQL grammar could not be loaded', fatal('08006', 'clawpatrol cannot read SQL now'))
  const path = new SearchPath()
  const asked = { database: startup.database, user: startup.user, credential: use?.name ?? null, path }
  const settings = await judgeSettings(session, startup.settings, asked, (text) => loaded.analyse(text))
  if (settings.kind === 'denied') return await endWith(agent, settings.told)
  let upstream: Awaited<ReturnType<typeof openUpstream>>
  try {
    upstream = await openUpstream(session, { ...startup, settings }, use)
    settings.close(null)
  } catch (error) {
    const because = error instanceof Error ? error.message : 'the session could not be opened'
    settings.close(because)
    return await refuse(because, loginRefusal(error))
  }
  const { stream, negotiation, greeting, parameters, transaction, cancelKey, user, database } = upstream
  agent.write(Buffer.concat([negotiation, authenticationOk, greeting]))
  const facts = {
    database,
    user,
    credential: use?.name ?? null,
    path,
    get recordsParams() {
      return session.endpoint()?.settings.record_params === true
    },
  }
  await pump({ session, agent, upstream: stream, parameters, transaction, cancelKey, facts, cache: loaded })
}

async function endWith(agent: Duplex, told: Buffer): Promise<void> {
  agent.write(told)
  const closed = agent.closed ? null : new Promise((resolve) => agent.once('close', resolve))
  closeGently(agent)
  await closed
}
