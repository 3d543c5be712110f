import type { Duplex } from 'node:stream'
import tls from 'node:tls'
import type { ClawError } from '../contract/errors.ts'
import { Http1Connection } from '../wire/http/http1-client.ts'
import { Http2Connection } from '../wire/http/http2-client.ts'
import { connectTls, withProbes } from './connect-tls.ts'

/** Client certificate and roots for an upstream, PEM. */
export interface TlsMaterial {
  readonly cert: string
  readonly key: string
  readonly ca?: string
}

/** One upstream as one credential reaches it. */
export interface OriginKey {
  readonly host: string
  readonly port: number
  /** It is reached without TLS. */
  readonly isPlain?: boolean
  /** PEM roots instead of the public ones. */
  readonly ca: string | null
  readonly material: TlsMaterial | null
}

/** Which protocol the agent speaks: the upstream is asked for the same one where it has both. */
export type Prefers = 'http/1.1' | 'h2'

/** How long an idle connection is kept, ms. */
const idleMs = 75_000
/** How often idle connections are looked through, ms. */
const sweepMs = 5000
/** Idle HTTP/1.1 connections kept however many were in use at once. */
const maxIdle = 256

interface Idle {
  readonly connection: Http1Connection
  readonly since: number
}

/** Connections of this thread to one upstream: idle ones are used again, as many are kept as were in use at once. */
export class Origin {
  readonly key: OriginKey
  readonly #context: tls.SecureContext
  /** Most recently used last. */
  #idle: Idle[] = []
  readonly #inUse = new Set<Http1Connection>()
  /** Most connections in use at once in the sweep interval before this one, and in this one. */
  #peak = 0
  #recentPeak = 0
  #sessions: Http2Connection[] = []
  readonly #idleSessions = new Map<Http2Connection, number>()
  #connectingBoth: Promise<Http2Connection | Http1Connection> | null = null
  #ticket: Buffer | null = null
  /** What the upstream chose when it was offered both, or the one it insists on; null: never asked. */
  #speaks: 'http/1.1' | 'h2' | 'h2 only' | null = null
  #sweeper: NodeJS.Timeout | null = null

  /** @throws Error when certificate, key or roots are not PEM that OpenSSL takes */
  constructor(key: OriginKey) {
    this.key = key
    if (key.isPlain === true) this.#speaks = 'http/1.1'
    const ca = key.material?.ca ?? key.ca
    this.#context = tls.createSecureContext({
      minVersion: 'TLSv1.2',
      ...(ca === null ? {} : { ca }),
      ...(key.material === null ? {} : { cert: key.material.cert, key: key.material.key }),
    })
  }

  /** An idle connection that can be used at once; null: `connect`. */
  take(prefers: Prefers): Http1Connection | Http2Connection | null {
    if (this.#asks(prefers) === 'h2') {
      const session = this.#sessions.find((each) => each.hasRoom)
      if (session !== undefined) this.#idleSessions.delete(session)
      return session ?? null
    }
    const idle = this.#idle.pop()
    if (idle === undefined) return null
    this.#use(idle.connection)
    return idle.connection
  }

  /**
   * A new connection; over HTTP/2 perhaps one that others opened meanwhile.
   * @param dial connects to the upstream
   * @throws ClawError CP_TLS, or what dialling throws
   */
  async connect(dial: () => Promise<Duplex>, prefers: Prefers): Promise<Http1Connection | Http2Connection> {
    if (this.#asks(prefers) === 'http/1.1') {
      try {
        return this.#ready(await this.#secure(dial, ['http/1.1']))
      } catch (error) {
        if (!isNoCommonProtocol(error) || this.#speaks === 'http/1.1') throw error
        this.#speaks = 'h2 only'
      }
    }
    // one connection for all who wait: requests share an HTTP/2 session
    const waited = this.#connectingBoth
    if (waited !== null) {
      const shared = await waited
      if (shared instanceof Http2Connection && shared.hasRoom) return shared
      return this.take(prefers) ?? (await this.connect(dial, prefers))
    }
    const connecting = this.#secure(dial, ['h2', 'http/1.1']).then((socket) => this.#ready(socket))
    this.#connectingBoth = connecting
    try {
      return await connecting
    } finally {
      this.#connectingBoth = null
    }
  }

  /** Whether nothing of it is left to keep. */
  get isUnused(): boolean {
    return (
      this.#inUse.size === 0 && this.#idle.length === 0 && this.#sessions.length === 0 && this.#connectingBoth === null
    )
  }

  close(): void {
    for (const { connection } of [...this.#idle]) connection.destroy()
    for (const session of [...this.#sessions]) session.destroy()
    this.#idle = []
    if (this.#sweeper !== null) clearInterval(this.#sweeper)
    this.#sweeper = null
  }

  #asks(prefers: Prefers): Prefers {
    if (this.#speaks === 'h2 only') return 'h2'
    return this.#speaks === 'http/1.1' ? 'http/1.1' : prefers
  }

  async #secure(dial: () => Promise<Duplex>, alpn: readonly Prefers[]): Promise<Duplex> {
    const raw = await dial()
    const { host, isPlain = false } = this.key
    if (isPlain) return withProbes(raw)
    const socket = await connectTls(raw, { host, context: this.#context, alpn, session: this.#ticket })
    socket.on('session', (session: Buffer) => {
      this.#ticket = session
    })
    if (alpn.length > 1 && this.#speaks !== 'h2 only') this.#speaks = socket.alpnProtocol === 'h2' ? 'h2' : 'http/1.1'
    return socket
  }

  #ready(socket: Duplex): Http1Connection | Http2Connection {
    this.#startSweeping()
    if (socket instanceof tls.TLSSocket && socket.alpnProtocol === 'h2') {
      const session = new Http2Connection(socket, (changed) => this.#sessionChanged(changed))
      this.#sessions.push(session)
      return session
    }
    const connection = new Http1Connection(socket, {
      idle: (freed) => {
        this.#inUse.delete(freed)
        if (this.#idle.length >= maxIdle) freed.destroy()
        else this.#idle.push({ connection: freed, since: Date.now() })
      },
      closed: (lost) => {
        if (!this.#inUse.delete(lost)) this.#idle = this.#idle.filter((each) => each.connection !== lost)
      },
    })
    this.#use(connection)
    return connection
  }

  #use(connection: Http1Connection): void {
    this.#inUse.add(connection)
    if (this.#inUse.size > this.#recentPeak) this.#recentPeak = this.#inUse.size
  }

  #sessionChanged(session: Http2Connection): void {
    if (session.isClosed || session.isDraining) {
      this.#sessions = this.#sessions.filter((each) => each !== session)
      this.#idleSessions.delete(session)
    } else if (session.isIdle) this.#idleSessions.set(session, Date.now())
  }

  #startSweeping(): void {
    if (this.#sweeper !== null) return
    this.#sweeper = setInterval(() => this.#sweep(), sweepMs)
    this.#sweeper.unref()
  }

  /** Closes what was idle too long, and what is more than was in use at once lately. */
  #sweep(): void {
    const now = Date.now()
    const keep = Math.max(1, this.#peak, this.#recentPeak) - this.#inUse.size
    this.#peak = this.#recentPeak
    this.#recentPeak = this.#inUse.size
    const stale = this.#idle.filter(({ since }, at) => {
      const age = now - since
      return age > idleMs || (age > sweepMs && at < this.#idle.length - keep)
    })
    for (const { connection } of stale) connection.destroy()
    for (const [session, since] of [...this.#idleSessions]) if (now - since > idleMs) session.destroy()
    if (!this.isUnused || this.#sweeper === null) return
    clearInterval(this.#sweeper)
    this.#sweeper = null
  }
}

function isNoCommonProtocol(error: unknown): boolean {
  return error instanceof Error && (error as ClawError).message.endsWith('no application protocol in common')
}
