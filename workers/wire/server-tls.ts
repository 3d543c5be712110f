import { randomBytes } from 'node:crypto'
import net from 'node:net'
import type { Duplex } from 'node:stream'
import tls from 'node:tls'
import { ClawError } from '../contract/errors.ts'
import type { Certificate } from '../contract/messages.ts'
import { type ClientHello, maxClientHelloBytes, parseClientHello } from './client-hello.ts'
import { fault, tlsFault } from './tls-fault.ts'

/** An agent's connection with TLS taken off. */
export interface AgentTls {
  readonly socket: tls.TLSSocket
  readonly protocol: 'h2' | 'http/1.1'
}

/** Longest wait for the ClientHello and for the handshake, each, ms. */
const handshakeMs = 15_000
/** Bytes a socket buffers before it asks its writer to wait. */
const highWaterMark = 256 * 1024
const maxContexts = 512
/** One set per thread, so that a session resumes whichever certificate was renewed meanwhile. */
const ticketKeys = randomBytes(48)

interface CachedContext {
  readonly context: tls.SecureContext
  readonly renewAt: number
}

/** By server name, least recently used first. */
const contexts = new Map<string, CachedContext>()

/**
 * Reads the ClientHello and gives its bytes back to the socket.
 * @throws ClawError CP_TLS when it is not one, or none comes in time
 */
export function readHello(socket: Duplex, signal: AbortSignal): Promise<Extract<ClientHello, { kind: 'hello' }>> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    const finish = (settle: () => void) => {
      clearTimeout(timer)
      signal.removeEventListener('abort', cancel)
      socket.off('readable', read).off('end', ended).off('error', ended).off('close', ended)
      settle()
    }
    const failed = (error: ClawError) => finish(() => reject(error))
    const ended = () => failed(tlsError(fault('closed')))
    const cancel = () => failed(new ClawError('CP_CANCELLED', 'the flow was cancelled before its ClientHello'))
    const timer = setTimeout(() => failed(tlsError(fault('timeout'))), handshakeMs)
    const read = () => {
      for (let chunk = socket.read() as Buffer | null; chunk !== null; chunk = socket.read() as Buffer | null)
        chunks.push(chunk)
      const bytes = chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks)
      const hello = parseClientHello(bytes)
      if (hello.kind === 'more') {
        if (bytes.length > maxClientHelloBytes * 2) failed(tlsError(fault('not_tls')))
        return
      }
      if (hello.kind === 'not_tls') return failed(tlsError(fault('not_tls')))
      finish(() => {
        socket.unshift(bytes)
        resolve(hello)
      })
    }
    socket.on('readable', read).on('end', ended).on('error', ended).on('close', ended)
    signal.addEventListener('abort', cancel, { once: true })
  })
}

/**
 * Takes TLS off an agent's connection with a certificate for the name.
 * @param certificate asks for one; its answer is kept until it is due
 * @param alpn protocols the agent may choose of
 * @throws ClawError CP_TLS with cause and advice
 */
export async function terminateTls(
  raw: Duplex,
  serverName: string,
  certificate: (serverName: string) => Promise<Certificate>,
  alpn: readonly string[] = ['h2', 'http/1.1'],
): Promise<AgentTls> {
  const secureContext = contextFor(serverName) ?? keepContext(serverName, await certificate(serverName))
  if (raw instanceof net.Socket) raw.setNoDelay(true)
  const socket = new tls.TLSSocket(raw as tls.TLSSocket, {
    isServer: true,
    secureContext,
    ALPNProtocols: [...alpn],
    ...({ highWaterMark } as object),
  }) as tls.TLSSocket & { _releaseControl?: () => boolean }
  return await new Promise((resolve, reject) => {
    const finish = (settle: () => void) => {
      clearTimeout(timer)
      socket
        .off('secure', secured)
        .off('_tlsError', failed)
        .off('error', failed)
        .off('close', closed)
        .off('end', closed)
      settle()
    }
    const failed = (error: unknown) =>
      finish(() => {
        socket.on('error', () => undefined)
        socket.destroy()
        reject(tlsError(tlsFault('agent', error)))
      })
    const closed = () => failed(Object.assign(new Error('closed'), { code: 'CLOSED' }))
    const secured = () =>
      finish(() => {
        // what tls.Server does on 'secure': errors are the socket's own from here on, and http2 does not wait for more
        socket.on('error', () => undefined)
        socket._releaseControl?.()
        Object.assign(socket, { secureConnecting: false })
        resolve({ socket, protocol: socket.alpnProtocol === 'h2' ? 'h2' : 'http/1.1' })
      })
    const timer = setTimeout(() => failed(Object.assign(new Error('timeout'), { code: 'ETIMEDOUT' })), handshakeMs)
    // until control is released, a handshake error is announced under this name alone
    socket.on('secure', secured).on('_tlsError', failed).on('error', failed).on('close', closed).on('end', closed)
  })
}

function contextFor(serverName: string): tls.SecureContext | null {
  const cached = contexts.get(serverName)
  if (cached === undefined || Date.now() >= cached.renewAt) return null
  contexts.delete(serverName)
  contexts.set(serverName, cached)
  return cached.context
}

function keepContext(serverName: string, { key, chain, renewAt }: Certificate): tls.SecureContext {
  const context = tls.createSecureContext({ key, cert: chain, minVersion: 'TLSv1.2', ticketKeys })
  contexts.set(serverName, { context, renewAt })
  const [oldest] = contexts.keys()
  if (contexts.size > maxContexts && oldest !== undefined) contexts.delete(oldest)
  return context
}

function tlsError({ words, advice }: { readonly words: string; readonly advice: string }): ClawError {
  return new ClawError('CP_TLS', words, { hint: advice })
}
