import type { Duplex } from 'node:stream'
import { ClawError } from '../../../contract/errors.ts'
import type { ProtocolRuntime, Session } from '../../../contract/plugin.ts'
import { chooseUse } from '../../../upstream/choose-login.ts'
import { Standing } from '../../../upstream/standing.ts'
import { exceptionPacket } from '../../../wire/clickhouse/exception.ts'
import { serverHello } from '../../../wire/clickhouse/hello.ts'
import { closeGently } from '../../../wire/linger.ts'
import { StatementCache } from '../../../wire/sql/statement-cache.ts'
import type { ClickhouseNativeSettings } from '../definition.ts'
import { parseText } from '../parse-text.ts'
import { type AgentGreeting, readGreeting } from './agent-greeting.ts'
import { relay } from './relay.ts'
import { codes, refusal } from './respond.ts'
import { openServer, ServerRefusal } from './server-session.ts'
import { SessionSql } from './session-sql.ts'

/** Rough size of the statements a thread remembers, bytes. */
const mostRemembered = 16 << 20

/** One per thread, and so per profile. */
const cache = new StatementCache(parseText, mostRemembered)

/** Serves the flows of `clickhouse_native` endpoints: sessions, each statement judged by itself. */
export const clickhouseNative: ProtocolRuntime<ClickhouseNativeSettings> = {
  async serve(session) {
    const greeting = await readGreeting(session)
    if (greeting === null) return
    try {
      await serveSession(session, greeting)
    } finally {
      if (session.client !== greeting.stream) session.client.destroy()
    }
  },
}

async function serveSession(session: Session<ClickhouseNativeSettings>, greeting: AgentGreeting): Promise<void> {
  const { hello, packets } = greeting
  const [user, password] = [hello.user.toString(), hello.password.toString()]
  const refuse = async (because: string, told: Buffer) => {
    session.refuse(`session of ${user} on ${hello.database}`, because, { user, database: hello.database })
    await endWith(greeting.stream, told)
  }
  const endpoint = session.endpoint()
  const use = chooseUse(endpoint?.credentials ?? [], { user, password, database: hello.database })
  if (typeof use === 'string')
    return await refuse(use, refusal(codes.authenticationFailed, `clawpatrol opens no session: ${use}`))
  const standing = new Standing(session, use?.name ?? null, ({ hosts, tls }) => JSON.stringify([hosts, tls]))
  let server: Awaited<ReturnType<typeof openServer>>
  try {
    server = await openServer(session, hello, use)
  } catch (error) {
    const because = error instanceof Error ? error.message : 'the session could not be opened'
    return await refuse(because, toldOf(error))
  }
  greeting.stream.write(serverHello(server.hello, server.revision))
  packets.decoder.begin(server.revision)
  const judging = {
    session,
    sql: new SessionSql(cache, server.database),
    user: server.user,
    credential: use?.name ?? null,
    recordsParams: endpoint?.settings.record_params === true,
  }
  await relay({ agent: greeting, server, judging, check: () => standing.check() })
}

/** What an agent is told, before the connection is closed, of an error that kept its session from being opened. */
function toldOf(error: unknown): Buffer {
  if (!(error instanceof ClawError)) return refusal(codes.network, 'clawpatrol could not open the session')
  if (error.cause instanceof ServerRefusal) {
    const { code, message } = error.cause.exception
    return exceptionPacket(code, message)
  }
  const code = error.code === 'CP_SECRET' ? codes.authenticationFailed : codes.network
  const hint = error.hint === null ? '' : `; ${error.hint}`
  return refusal(code, `clawpatrol could not open the session: ${error.message}${hint}`)
}

async function endWith(agent: Duplex, told: Buffer): Promise<void> {
  agent.write(told)
  const closed = agent.closed ? null : new Promise((resolve) => agent.once('close', resolve))
  closeGently(agent)
  await closed
}
