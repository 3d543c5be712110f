import type { Duplex } from 'node:stream'
import { ClawError } from '../../contract/errors.ts'
import type { Session } from '../../contract/plugin.ts'
import { startDeadline } from '../../wire/deadline.ts'
import { closeGently } from '../../wire/linger.ts'
import { readExactly } from '../../wire/read-exactly.ts'
import { takeTls } from './agent-tls.ts'
import type { PostgresSettings } from './definition.ts'
import { type ReplicationMode, replicationMode } from './replication.ts'
import { fatal } from './respond.ts'
import { type PacketProblem, type ProtocolVersion, parseStartupPacket, startupLength } from './startup-packet.ts'
import { type StartupSetting, startupSettings } from './startup-settings.ts'

/** What the agent asked for before any statement, its TLS taken off. */
export interface AgentStartup {
  readonly kind: 'session'
  readonly stream: Duplex
  /** As they were sent, protocol options left out: user, database, application_name, options, … */
  readonly parameters: ReadonlyMap<string, string>
  readonly user: string
  /** Its user where it named none, as the server takes it. */
  readonly database: string
  /** Settings of the server, those in `options` included; each name once. */
  readonly settings: readonly StartupSetting[]
  /** null: an ordinary session. */
  readonly replication: ReplicationMode | null
  readonly protocol: ProtocolVersion
  /** Names of the protocol options it asked for: none is known, it has to be told so. */
  readonly options: readonly string[]
}

/** The agent wants another session's statement to end. */
export interface AgentCancel {
  readonly kind: 'cancel'
  readonly stream: Duplex
  /** Process id and secret, raw. */
  readonly key: Buffer
}

/** How long an agent may take from its first byte to the end of its startup packet, TLS included, ms. */
const startupMs = 20_000
/** First byte of a ClientHello; no startup packet is long enough to begin with it. */
const tlsHandshake = 0x16

/**
 * Reads what an agent says first: encryption requests are answered, TLS is taken off with a certificate of our CA.
 * null: it was refused in its own protocol, recorded where somebody meant something by it, and is being closed.
 */
export async function readStartup(session: Session<PostgresSettings>): Promise<AgentStartup | AgentCancel | null> {
  const intake = new Intake(session)
  const deadline = startDeadline(session.signal, startupMs, 'the startup packet did not come in time')
  try {
    return await intake.read(deadline.signal)
  } catch (error) {
    intake.fail(error)
    return null
  } finally {
    deadline[Symbol.dispose]()
  }
}

/** Reads one agent's first packets. */
class Intake {
  readonly #session: Session<PostgresSettings>
  #stream: Duplex
  #hasTls = false
  #isHandshaking = false
  #hasAskedGss = false
  /** Whether any byte came: a connection opened ahead and closed unused says nothing. */
  #hasBegun = false

  constructor(session: Session<PostgresSettings>) {
    this.#session = session
    this.#stream = session.client
    session.client.on('error', () => undefined)
  }

  async read(signal: AbortSignal): Promise<AgentStartup | AgentCancel | null> {
    for (;;) {
      const first = await readExactly(this.#stream, 1, signal)
      const isFirst = !this.#hasBegun
      this.#hasBegun = true
      if (isFirst && first[0] === tlsHandshake) {
        this.#stream.unshift(first)
        await this.#secure(true, signal)
        continue
      }
      const length = startupLength(Buffer.concat([first, await readExactly(this.#stream, 3, signal)]))
      if (typeof length !== 'number') return this.#refuse(length)
      const packet = parseStartupPacket(await readExactly(this.#stream, length, signal))
      switch (packet.kind) {
        case 'refused':
          return this.#refuse(packet)
        case 'gss':
        case 'ssl': {
          const problem = this.#checkEncryption(packet.kind)
          if (problem !== null) return this.#refuse(problem)
          if (packet.kind === 'ssl') {
            this.#stream.write('S')
            await this.#secure(false, signal)
          } else {
            this.#hasAskedGss = true
            this.#stream.write('N')
          }
          break
        }
        case 'cancel':
          return { kind: 'cancel', stream: this.#stream, key: packet.key }
        case 'session': {
          const isAllowed = this.#session.endpoint()?.settings.replication === true
          const replication = replicationMode(packet.parameters.get('replication'), isAllowed)
          if (replication !== null && typeof replication !== 'string') return this.#refuse(replication)
          const settings = startupSettings(packet.parameters)
          if ('kind' in settings) return this.#refuse(settings)
          const user = packet.parameters.get('user') ?? ''
          const database = packet.parameters.get('database')
          return { ...packet, stream: this.#stream, user, database: database ? database : user, settings, replication }
        }
        default:
          return packet satisfies never
      }
    }
  }

  /** Answers what went wrong, where there is a way to, and closes. */
  fail(error: unknown): void {
    const { signal, client } = this.#session
    const fault = error instanceof ClawError ? error : new ClawError('CP_PROTOCOL', 'the connection broke')
    if (signal.aborted || !this.#hasBegun) client.destroy()
    else if (this.#isHandshaking) {
      this.#record(fault.hint === null ? fault.message : `${fault.message}; ${fault.hint}`)
      client.destroy()
    } else this.#refuse({ kind: 'refused', code: '08P01', because: fault.message })
  }

  async #secure(isDirect: boolean, signal: AbortSignal): Promise<void> {
    const { client } = this.#session
    const late = () => client.destroy()
    signal.addEventListener('abort', late, { once: true })
    this.#isHandshaking = true
    try {
      this.#stream = await takeTls(this.#session, client, isDirect, signal)
    } catch (error) {
      throw signal.aborted ? signal.reason : error
    } finally {
      signal.removeEventListener('abort', late)
    }
    this.#isHandshaking = false
    this.#hasTls = true
  }

  #checkEncryption(kind: 'ssl' | 'gss'): PacketProblem | null {
    if (this.#hasTls || (kind === 'gss' && this.#hasAskedGss))
      return { kind: 'refused', code: '08P01', because: 'encryption was asked for twice' }
    // what was sent in the clear must not be read as if it had been protected (CVE-2021-23214)
    if (this.#stream.readableLength > 0)
      return { kind: 'refused', code: '08P01', because: 'received unencrypted data after an encryption request' }
    return null
  }

  #refuse({ code, because }: PacketProblem): null {
    this.#record(because)
    if (!this.#stream.destroyed) this.#stream.write(fatal(code, because))
    closeGently(this.#stream)
    return null
  }

  #record(because: string): void {
    const { flow } = this.#session
    const host = flow.targetName ?? flow.target.host
    this.#session.refuse(`connect to ${host}:${flow.target.port}`, because, { host })
  }
}
