import type { Duplex } from 'node:stream'
import { ClawError } from '../../../contract/errors.ts'
import type { Session } from '../../../contract/plugin.ts'
import { ClientDecoder, type ClientPacket } from '../../../wire/clickhouse/client-packets.ts'
import type { ClientHello } from '../../../wire/clickhouse/hello.ts'
import { oldestRevision } from '../../../wire/clickhouse/revisions.ts'
import { startDeadline } from '../../../wire/deadline.ts'
import { closeGently } from '../../../wire/linger.ts'
import { readExactly } from '../../../wire/read-exactly.ts'
import { readHello, terminateTls } from '../../../wire/server-tls.ts'
import type { ClickhouseNativeSettings } from '../definition.ts'
import { PacketStream } from './packet-stream.ts'
import { codes, refusal } from './respond.ts'

/** An agent that has introduced itself, its TLS taken off. */
export interface AgentGreeting {
  readonly stream: Duplex
  readonly packets: PacketStream<ClientPacket, ClientDecoder>
  readonly hello: ClientHello
}

/** How long an agent may take from its first byte to the end of its Hello, TLS included, ms. */
const greetingMs = 20_000
/** First byte of a ClientHello; a Hello begins with 0. */
const tlsHandshake = 0x16
/** Names under which other ways to log in begin: the secret of a cluster, keys. */
const otherLogins = / (INTERSERVER SECRET|SSH KEY AUTHENTICATION) /

/**
 * Reads what an agent says first; TLS is taken off with a certificate of our CA where the endpoint has TLS.
 * null: it was refused in its own protocol, recorded where somebody meant something by it, and is being closed.
 */
export async function readGreeting(session: Session<ClickhouseNativeSettings>): Promise<AgentGreeting | null> {
  const intake = new Intake(session)
  const deadline = startDeadline(session.signal, greetingMs, 'the Hello did not come in time')
  try {
    return await intake.read(deadline.signal)
  } catch (error) {
    intake.fail(error)
    return null
  } finally {
    deadline[Symbol.dispose]()
  }
}

/** Reads one agent's first packet. */
class Intake {
  readonly #session: Session<ClickhouseNativeSettings>
  #stream: Duplex
  #isReadable = true
  /** Whether any byte came: a connection opened ahead and closed unused says nothing. */
  #hasBegun = false

  constructor(session: Session<ClickhouseNativeSettings>) {
    this.#session = session
    this.#stream = session.client
    session.client.on('error', () => undefined)
  }

  async read(signal: AbortSignal): Promise<AgentGreeting> {
    const { client } = this.#session
    const first = await readExactly(client, 1, signal)
    this.#hasBegun = true
    client.unshift(first)
    const wantsTls = this.#session.endpoint()?.settings.tls === true
    if (first[0] === tlsHandshake) {
      this.#isReadable = false
      if (!wantsTls) throw new ClawError('CP_TLS', 'the agent uses TLS, and the endpoint has none: connect without it')
      this.#stream = await this.#takeTls(signal)
      this.#isReadable = true
    } else if (wantsTls) throw new ClawError('CP_TLS', 'this endpoint takes TLS only: connect with it (--secure)')
    const packets = new PacketStream<ClientPacket, ClientDecoder>(this.#stream, new ClientDecoder())
    const packet = await packets.next(signal)
    if (packet?.kind !== 'hello') throw new ClawError('CP_PROTOCOL', 'the connection was closed')
    const { hello } = packet
    if (hello.revision < oldestRevision)
      throw new ClawError('CP_PROTOCOL', `protocol revision ${hello.revision} is older than any that is understood`)
    if (otherLogins.test(hello.user.toString('latin1')))
      throw new ClawError('CP_FORBIDDEN', 'the session of another server, or one with a key, cannot be passed on')
    return { stream: this.#stream, packets, hello }
  }

  /** Answers what went wrong, where there is a way to, and closes. */
  fail(error: unknown): void {
    const { signal, client, flow } = this.#session
    if (signal.aborted || !this.#hasBegun) {
      client.destroy()
      return
    }
    const fault = error instanceof ClawError ? error : new ClawError('CP_PROTOCOL', 'the connection broke')
    const host = flow.targetName ?? flow.target.host
    const because = fault.hint === null ? fault.message : `${fault.message}; ${fault.hint}`
    this.#session.refuse(`connect to ${host}:${flow.target.port}`, because, { host })
    if (!this.#isReadable) client.destroy()
    else if (!this.#stream.destroyed) {
      const code = fault.code === 'CP_FORBIDDEN' ? codes.accessDenied : codes.unexpectedPacket
      this.#stream.write(refusal(code, `clawpatrol refused the connection: ${because}`))
    }
    closeGently(this.#stream)
  }

  async #takeTls(signal: AbortSignal): Promise<Duplex> {
    const session = this.#session
    const { client, flow } = session
    const late = () => client.destroy()
    signal.addEventListener('abort', late, { once: true })
    try {
      const { serverName } = await readHello(client, signal)
      const own = flow.targetName ?? flow.target.host
      const isOurs = session.endpoint()?.hosts.some((host) => host === `${serverName}:${flow.target.port}`) === true
      const name = isOurs && serverName !== null ? serverName : own
      const { socket } = await terminateTls(client, name, (asked) => session.certificate(asked), [])
      return socket
    } catch (error) {
      throw signal.aborted ? signal.reason : error
    } finally {
      signal.removeEventListener('abort', late)
    }
  }
}
