import type { Duplex } from 'node:stream'
import { ClawError } from '../../contract/errors.ts'
import type { Session } from '../../contract/plugin.ts'
import type { CredentialUse } from '../../contract/profile.ts'
import { type Deadline, startDeadline } from '../../wire/deadline.ts'
import { tlsFault } from '../../wire/tls-fault.ts'
import { Authenticator } from './authenticate.ts'
import type { PostgresSettings } from './definition.ts'
import type { ClearedSettings } from './judge-settings.ts'
import { identityOf } from './login-identity.ts'
import { negotiationMessage, readServerMessage, type ServerMessage, startupMessage } from './login-messages.ts'
import { serverRefusal } from './login-refusal.ts'
import type { TransactionStatus } from './respond.ts'
import { serverAddress } from './server-address.ts'
import type { AgentStartup } from './startup.ts'
import type { ProtocolVersion } from './startup-packet.ts'
import { secureUpstream } from './upstream-tls.ts'

/** A session on a server, logged in and waiting for its first statement. */
export interface UpstreamSession {
  readonly stream: Duplex
  /** To be told the agent before AuthenticationOk: the version and options it does not get; empty: it gets them all. */
  readonly negotiation: Buffer
  /** To be told the agent after AuthenticationOk: ParameterStatus, BackendKeyData, notices, ReadyForQuery. */
  readonly greeting: Buffer
  /** Last value of each ParameterStatus. */
  readonly parameters: ReadonlyMap<string, string>
  readonly transaction: TransactionStatus
  /** Process id and secret with which its statements can be cancelled; null: the server gave none. */
  readonly cancelKey: Buffer | null
  readonly user: string
  readonly database: string
}

/** What of an agent's startup packet its session is opened with. */
export interface UpstreamRequest
  extends Pick<AgentStartup, 'parameters' | 'user' | 'database' | 'replication' | 'protocol' | 'options'> {
  readonly settings: Pick<ClearedSettings, 'take'>
}

/** How long a server may take from the connection to its first ReadyForQuery, ms. */
const loginMs = 20_000
/** Most a server may say before its first ReadyForQuery, bytes. */
const maxGreetingBytes = 256 * 1024
/** Newest protocol there is. */
const newestMinor = 2

/**
 * Opens a session on the endpoint's server as the credential says, with the database and the settings the agent asked for.
 * @throws ClawError saying, for the agent, why not; `loginRefusal` turns it into the server's own words
 */
export async function openUpstream(
  session: Session<PostgresSettings>,
  startup: UpstreamRequest,
  use: CredentialUse | null,
): Promise<UpstreamSession> {
  const endpoint = session.endpoint()
  if (endpoint === null) throw new ClawError('CP_CONFIG', 'the endpoint is no longer in the policy')
  const { settings } = endpoint
  const identity = await identityOf(session, startup, use)
  const address = serverAddress(settings)
  const raw = await session.dial(address)
  raw.on('error', () => undefined)
  const deadline = startDeadline(session.signal, loginMs, 'the server did not open the session in time')
  let stream = raw
  try {
    const peer = { settings, host: address.host, certificate: identity.certificate }
    const secured = await secureUpstream(raw, peer, deadline.signal)
    stream = secured.stream
    stream.on('error', () => undefined)
    const version = { major: 3, minor: Math.min(startup.protocol.minor, newestMinor) }
    const { user, database, password } = identity
    const { replication } = startup
    const mode = replication === null ? [] : [{ name: 'replication', value: replication }]
    stream.write(startupMessage(version, user, database, [...mode, ...startup.settings.take()]))
    const authenticator = new Authenticator(stream, { ...secured, user, password })
    const login = new Login(stream, authenticator, password, version)
    await login.run(deadline)
    const agreed = login.version
    const isLess = agreed.minor < startup.protocol.minor || startup.options.length > 0
    return {
      stream,
      negotiation: isLess ? negotiationMessage(agreed, startup.options) : Buffer.alloc(0),
      greeting: Buffer.concat(login.greeting),
      parameters: login.parameters,
      transaction: login.transaction,
      cancelKey: login.cancelKey,
      user,
      database,
    }
  } catch (error) {
    stream.destroy()
    raw.destroy()
    throw inWords(error)
  } finally {
    deadline[Symbol.dispose]()
  }
}

/** What a server says between the startup packet and its first ReadyForQuery. */
class Login {
  readonly greeting: Buffer[] = []
  readonly parameters = new Map<string, string>()
  transaction: TransactionStatus = 'I'
  cancelKey: Buffer | null = null
  version: ProtocolVersion
  readonly #stream: Duplex
  readonly #authenticator: Authenticator
  readonly #password: string | null
  #said = 0
  #isNegotiated = false

  constructor(stream: Duplex, authenticator: Authenticator, password: string | null, version: ProtocolVersion) {
    this.#stream = stream
    this.#authenticator = authenticator
    this.#password = password
    this.version = version
  }

  async run({ signal }: Deadline): Promise<void> {
    for (let isLoggedIn = false; !isLoggedIn; ) {
      const message = await this.#next(signal)
      if (message.type === 'R') isLoggedIn = await this.#authenticator.answer(message)
      else if (message.type === 'v') this.#negotiate(message)
      else if (message.type === 'N') this.greeting.push(message.bytes)
      else throw unexpected(message)
    }
    for (;;) {
      const message = await this.#next(signal)
      if (!/[SKNZ]/.test(message.type)) throw unexpected(message)
      this.greeting.push(message.bytes)
      if (message.type === 'S') this.#noteParameter(message)
      if (message.type === 'K') this.cancelKey = message.body
      if (message.type !== 'Z') continue
      const status = message.body.toString('latin1')
      if (status !== 'I' && status !== 'T' && status !== 'E') throw unexpected(message)
      this.transaction = status
      return
    }
  }

  async #next(signal: AbortSignal): Promise<ServerMessage> {
    const message = await readServerMessage(this.#stream, signal)
    this.#said += message.bytes.length
    if (this.#said > maxGreetingBytes) throw new ClawError('CP_UPSTREAM', 'the server said too much during the login')
    if (message.type === 'E') throw serverRefusal(message.body, this.#password)
    return message
  }

  /** The server has an older minor version only; it was asked for no options. */
  #negotiate(message: ServerMessage): void {
    const { body } = message
    if (this.#isNegotiated || body.length < 8 || body.readInt32BE(4) !== 0) throw unexpected(message)
    const newest = body.readUInt32BE(0)
    // libpq reads a bare minor version, servers since 2025 send the whole
    const minor = newest & 0xffff
    if ((newest >>> 16 !== 3 && newest >>> 16 !== 0) || minor >= this.version.minor) throw unexpected(message)
    this.#isNegotiated = true
    this.version = { major: 3, minor }
  }

  #noteParameter({ body }: ServerMessage): void {
    const [name, value] = body.toString('utf8').split('\0')
    if (name !== undefined && value !== undefined) this.parameters.set(name, value)
  }
}

function inWords(error: unknown): ClawError {
  if (error instanceof ClawError) {
    if (error.code !== 'CP_PROTOCOL') return error
    return new ClawError('CP_UPSTREAM', 'the server closed the connection during the login')
  }
  // with TLS 1.3 a server says only now what it thinks of our certificate
  const isTls = error instanceof Error && 'code' in error && /^ERR_(SSL|TLS)/.test(String(error.code))
  if (!isTls) return new ClawError('CP_UPSTREAM', 'the connection to the server broke during the login')
  const { words, advice } = tlsFault('upstream', error)
  return new ClawError('CP_TLS', `cannot log in: ${words}`, { hint: advice })
}

function unexpected({ type }: ServerMessage): ClawError {
  return new ClawError('CP_UPSTREAM', `the server sent an unexpected message ("${type}") during the login`)
}
