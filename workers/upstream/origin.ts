import type { Duplex } from 'node:stream'
import tls from 'node:tls'
import type { ClawError } from '../contract/errors.ts'
import { Http1Connection } from '../wire/http/http1-client.ts'
import { Http2Connection } from '../wire/http/http2-client.ts'
import { connectTls } from './connect-tls.ts'

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
  #busy = 0
  /** Most connections in use at once since the last sweep but one. */
  #peak = 0
  #recentPeak = 0
  #sessions: Http2Connection[] = []
  #idleSessions = new Map<Http2Connection, number>()
  #connectingHttp2: Promise<Http2Connection | Http1Connection> | null = null
  #ticket: Buffer | null = null
  /** What the upstream chose when it was offered both; null: never asked. */
  #speaks: Prefers | null = null
  #sweeper: NodeJS.Timeout | null = null

  /** @throws Error when certificate, key or roots are not PEM that OpenSSL takes */
  constructor(key: OriginKey) {
    this.key = key
    const ca = key.material?.ca ?? key.ca
    this.#context = tls.createSecureContext({
      minVersion: 'TLSv1.2',
      ...(ca === null ? {} : { ca }),
      ...(key.material === null ? {} : { cert: key.material.cert, key: key.material.key }),
    })
  }

  /** An idle connection that can be used at once; null: `connect`. */
  take(prefers: Prefers): Http1Connection | Http2Connection | null {
    if (prefers === 'h2' || this.#speaks === 'h2') {
      const session = this.#sessions.find((each) => each.hasRoom)
      if (session !== undefined) {
        this.#idleSessions.delete(session)
        return session
      }
      if (this.#speaks !== 'http/1.1') return null
    }
    const idle = this.#idle.pop()
    if (idle === undefined) return null
    this.#use()
    return idle.connection
  }

  /**
   * A new connection.
   * @param dial connects to the upstream
   * @throws ClawError CP_TLS, or what dialling throws
   */
  async connect(dial: () => Promise<Duplex>, prefers: Prefers): Promise<Http1Connection | Http2Connection> {
    if (prefers === 'http/1.1' && this.#speaks !== 'h2') {
      try {
        return this.#ready(await this.#secure(dial, ['http/1.1']))
      } catch (error) {
        if (!isNoCommonProtocol(error)) throw error
        // it speaks HTTP/2 only
        this.#speaks = 'h2'
      }
    }
    if (this.#speaks === 'http/1.1') return this.#ready(await this.#secure(dial, ['http/1.1']))
    // one connection for all who wait: requests share an HTTP/2 session
    const waited = this.#connectingHttp2
    if (waited !== null) {
      const shared = await waited
      if (shared instanceof Http2Connection && shared.hasRoom) return shared
      return this.take(prefers) ?? (await this.connect(dial, prefers))
    }
    const connecting = this.#secure(dial, ['h2', 'http/1.1']).then((socket) => this.#ready(socket))
    this.#connectingHttp2 = connecting
    try {
      return await connecting
    } finally {
      this.#connectingHttp2 = null
    }
  }

  /** Whether nothing of it is left to keep. */
  get isUnused(): boolean {
    return this.#busy === 0 && this.#idle.length === 0 && this.#sessions.length === 0 && this.#connectingHttp2 === null
  }

  close(): void {
    for (const { connection } of this.#idle) connection.destroy()
    for (const session of this.#sessions) session.destroy()
    this.#idle = []
    if (this.#sweeper !== null) clearInterval(this.#sweeper)
    this.#sweeper = null
  }

  async #secure(dial: () => Promise<Duplex>, alpn: readonly Prefers[]): Promise<tls.TLSSocket> {
    const raw = await dial()
    const { host } = this.key
    const socket = await connectTls(raw, { host, context: this.#context, alpn, session: this.#ticket })
    socket.on('session', (session: Buffer) => {
      this.#ticket = session
    })
    if (alpn.length > 1) this.#speaks = socket.alpnProtocol === 'h2' ? 'h2' : 'http/1.1'
    return socket
  }

  #ready(socket: tls.TLSSocket): Http1Connection | Http2Connection {
    this.#startSweeping()
    if (socket.alpnProtocol === 'h2') {
      const session = new Http2Connection(socket, (changed) => this.#sessionChanged(changed))
      this.#sessions.push(session)
      return session
    }
    this.#use()
    let isBusy = true
    return new Http1Connection(socket, {
      idle: (connection) => {
        this.#busy -= 1
        isBusy = false
        if (this.#idle.length >= maxIdle) return connection.destroy()
        this.#idle.push({ connection, since: Date.now() })
      },
      used: () => {
        isBusy = true
      },
      closed: (connection) => {
        if (isBusy) this.#busy -= 1
        else this.#idle = this.#idle.filter((each) => each.connection !== connection)
        isBusy = false
      },
    })
  }

  #use(): void {
    this.#busy += 1
    if (this.#busy > this.#recentPeak) this.#recentPeak = this.#busy
  }

  #sessionChanged(session: Http2Connection): void {
    if (session.isClosed || !session.hasRoom) {
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
    const keep = Math.max(1, this.#peak, this.#recentPeak) - this.#busy
    this.#peak = this.#recentPeak
    this.#recentPeak = this.#busy
    const stale = this.#idle.filter(({ since }, at) => {
      const age = now - since
      return age > idleMs || (age > sweepMs && at < this.#idle.length - keep)
    })
    for (const { connection } of stale) connection.destroy()
    for (const [session, since] of this.#idleSessions) if (now - since > idleMs) session.destroy()
    if (!this.isUnused || this.#sweeper === null) return
    clearInterval(this.#sweeper)
    this.#sweeper = null
  }
}

function isNoCommonProtocol(error: unknown): boolean {
  return error instanceof Error && (error as ClawError).message.endsWith('no application protocol in common')
}
