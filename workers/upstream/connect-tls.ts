import net, { isIP } from 'node:net'
import type { Duplex } from 'node:stream'
import tls from 'node:tls'
import { ClawError } from '../contract/errors.ts'
import { tlsFault } from '../wire/tls-fault.ts'

/** Whom a TLS connection must reach, and as whom. */
export interface TlsPeer {
  /** Requested host: the name in SNI and the name or address the certificate must be for. */
  readonly host: string
  readonly context: tls.SecureContext
  readonly alpn: readonly string[]
  /** Session of an earlier connection to resume. */
  readonly session: Buffer | null
  /** Its certificate is not looked at: encryption against listeners only. */
  readonly isUnchecked?: boolean
}

/** Longest wait for a TLS handshake with an upstream, ms. */
const handshakeMs = 10_000
/** Silence before the first probe, ms. */
const probeMs = 30_000
const highWaterMark = 256 * 1024

/** Has a connection probed that says nothing: a response may take for ever, a dead upstream must not. */
export function withProbes(raw: Duplex): Duplex {
  return raw instanceof net.Socket ? raw.setNoDelay(true).setKeepAlive(true, probeMs) : raw
}

/**
 * Puts TLS on a connection to an upstream; its certificate is verified for the requested host unless the peer says otherwise.
 * Owns the raw socket from here on, also when it fails.
 * @throws ClawError CP_TLS with cause and advice
 */
export function connectTls(
  raw: Duplex,
  { host, context, alpn, session, isUnchecked = false }: TlsPeer,
): Promise<tls.TLSSocket> {
  withProbes(raw)
  return new Promise((resolve, reject) => {
    const socket = tls.connect({
      socket: raw,
      host,
      // RFC 6066: no address in SNI; verification takes `host` then
      servername: isIP(host) === 0 ? host : '',
      secureContext: context,
      ALPNProtocols: [...alpn],
      rejectUnauthorized: !isUnchecked,
      ...(session === null ? {} : { session }),
      ...({ highWaterMark } as object),
    })
    const finish = (settle: () => void) => {
      clearTimeout(timer)
      socket.off('secureConnect', secured).off('error', failed).off('close', closed)
      settle()
    }
    const failed = (error: unknown) =>
      finish(() => {
        socket.on('error', () => undefined)
        socket.destroy()
        raw.destroy()
        const { words, advice } = tlsFault('upstream', error)
        reject(new ClawError('CP_TLS', `cannot connect to ${host}: ${words}`, { hint: advice }))
      })
    const closed = () => failed(Object.assign(new Error('closed'), { code: 'CLOSED' }))
    const secured = () => finish(() => resolve(socket))
    const timer = setTimeout(() => failed(Object.assign(new Error('timeout'), { code: 'ETIMEDOUT' })), handshakeMs)
    socket.on('secureConnect', secured).on('error', failed).on('close', closed)
  })
}
