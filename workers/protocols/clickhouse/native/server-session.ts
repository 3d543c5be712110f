import type { Duplex } from 'node:stream'
import tls from 'node:tls'
import { ClawError } from '../../../contract/errors.ts'
import type { Secret } from '../../../contract/messages.ts'
import type { Session } from '../../../contract/plugin.ts'
import type { CredentialUse } from '../../../contract/profile.ts'
import { connectTls } from '../../../upstream/connect-tls.ts'
import { fillsLogin, fillsTls, loginOf, tlsMaterial } from '../../../upstream/inject.ts'
import type { ServerException } from '../../../wire/clickhouse/exception.ts'
import { type ClientHello, clientHello, type ServerHello } from '../../../wire/clickhouse/hello.ts'
import { newestRevision, oldestRevision } from '../../../wire/clickhouse/revisions.ts'
import { ServerDecoder, type ServerPacket } from '../../../wire/clickhouse/server-packets.ts'
import { startDeadline } from '../../../wire/deadline.ts'
import type { ClickhouseNativeSettings } from '../definition.ts'
import { PacketStream } from './packet-stream.ts'
import { serverAddress } from './server-address.ts'

type NativeSession = Session<ClickhouseNativeSettings>

/** A session on a server, logged in. */
export interface ServerSession {
  readonly stream: Duplex
  readonly packets: PacketStream<ServerPacket, ServerDecoder>
  /** Who is told the columns of results. */
  readonly columns: { tell: (name: string) => void }
  /** As it is to be told to the agent. */
  readonly hello: ServerHello
  /** What both sides write by. */
  readonly revision: number
  readonly user: string
  readonly database: string
}

/** What a server answered instead of a session; the cause of the error that is thrown. */
export class ServerRefusal extends Error {
  readonly exception: Pick<ServerException, 'code' | 'message'>

  constructor(exception: Pick<ServerException, 'code' | 'message'>) {
    super('the server refused the session')
    this.exception = exception
  }
}

/** How long a server may take from the connection to its Hello, ms. */
const loginMs = 20_000
const longestMessage = 2000

/**
 * Opens a session on the endpoint's server as the credential says, or as the agent's own user where there is none.
 * @throws ClawError saying, for the agent, why not; its cause is a `ServerRefusal` where the server said it
 */
export async function openServer(
  session: NativeSession,
  asked: ClientHello,
  use: CredentialUse | null,
): Promise<ServerSession> {
  const endpoint = session.endpoint()
  if (endpoint === null) throw new ClawError('CP_CONFIG', 'the endpoint is no longer in the policy')
  const login = use === null || !fillsLogin(use) ? null : loginOf(use, await secretOf(session, use))
  const user = login === null ? asked.user : Buffer.from(login.user)
  const password = login === null ? asked.password : Buffer.from(login.password)
  const database = asked.database === '' ? (use?.disambiguator.database ?? '') : asked.database
  const told = Math.min(asked.revision, newestRevision)
  const raw = await session.dial(serverAddress(session.flow, endpoint.hosts))
  raw.on('error', () => undefined)
  const deadline = startDeadline(session.signal, loginMs, 'the server did not open the session in time')
  const cancel = () => raw.destroy()
  deadline.signal.addEventListener('abort', cancel, { once: true })
  let stream: Duplex = raw
  try {
    if (endpoint.settings.tls === true) stream = await secure(session, raw, endpoint.settings)
    stream.on('error', () => undefined)
    stream.write(clientHello({ ...asked, revision: told, database, user, password }))
    const columns: ServerSession['columns'] = { tell: () => undefined }
    const decoder = new ServerDecoder(told, (kind, { name }) => {
      if (kind === 'data') columns.tell(name)
    })
    const packets = new PacketStream<ServerPacket, ServerDecoder>(stream, decoder)
    const hello = helloOf(await packets.next(deadline.signal), password.toString())
    const revision = Math.min(told, hello.revision)
    return {
      stream,
      packets,
      columns,
      hello: { ...hello, revision: Math.min(hello.revision, newestRevision) },
      revision,
      user: user.toString(),
      database,
    }
  } catch (error) {
    stream.destroy()
    raw.destroy()
    throw deadline.signal.aborted ? deadline.signal.reason : inWords(error)
  } finally {
    deadline.signal.removeEventListener('abort', cancel)
    deadline[Symbol.dispose]()
  }
}

function helloOf(packet: ServerPacket | null, secret: string): ServerHello {
  if (packet === null) throw new ClawError('CP_UPSTREAM', 'the server closed the connection before its Hello')
  if (packet.kind === 'exception') throw refusalOf(packet.exception, secret)
  if (packet.kind !== 'hello') throw new ClawError('CP_PROTOCOL', 'the server did not begin with a Hello')
  if (packet.hello.revision < oldestRevision)
    throw new ClawError('CP_UPSTREAM', `the server's protocol revision ${packet.hello.revision} is too old`)
  return packet.hello
}

/** @param secret occurrences are taken out: a server may say what it was told */
function refusalOf({ code, message }: ServerException, secret: string): ClawError {
  const shown = (secret === '' ? message : message.replaceAll(secret, '***'))
    .replace(/^DB::Exception: /, '')
    .slice(0, longestMessage)
  return new ClawError('CP_UPSTREAM', `the server refused the session: ${shown} (${code})`, {
    cause: new ServerRefusal({ code, message: shown }),
  })
}

async function secure(
  session: NativeSession,
  raw: Duplex,
  { accept_invalid_certificate: isUnchecked = false, ca_cert: roots }: ClickhouseNativeSettings,
): Promise<Duplex> {
  const bound = session.endpoint()?.credentials.filter(fillsTls) ?? []
  const [use] = bound
  if (bound.length > 1)
    throw new ClawError(
      'CP_SECRET',
      'the endpoint has more than one client certificate and it cannot be told which one',
    )
  const material = use === undefined ? null : tlsMaterial(use, await secretOf(session, use))
  const { host } = serverAddress(session.flow, session.endpoint()?.hosts ?? [])
  const ca = roots ?? material?.ca
  return await connectTls(raw, { host, context: contextOf(ca, material), alpn: [], session: null, isUnchecked })
}

function contextOf(
  ca: string | undefined,
  material: { readonly cert: string; readonly key: string } | null,
): tls.SecureContext {
  try {
    return tls.createSecureContext({
      minVersion: 'TLSv1.2',
      ...(ca === undefined ? {} : { ca }),
      ...(material === null ? {} : { cert: material.cert, key: material.key }),
    })
  } catch {
    // the cause may quote the key
    throw new ClawError('CP_TLS', 'the client certificate, its key or ca_cert is not PEM that can be used', {
      hint: 'check ca_cert of the endpoint and the slots cert, key and ca of the mtls_credential',
    })
  }
}

async function secretOf(session: NativeSession, use: CredentialUse): Promise<Secret> {
  const secret = await session.secret(use)
  if (secret !== null) return secret
  throw new ClawError('CP_SECRET', `no secret is stored for credential "${use.name}"`, {
    hint: `run clawpatrol secret set ${use.name}`,
  })
}

function inWords(error: unknown): ClawError {
  return error instanceof ClawError ? error : new ClawError('CP_UPSTREAM', 'the server could not be reached')
}
