import { closeSync } from 'node:fs'
import { createServer, type Server as HttpServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { type AddressInfo, createServer as createTcpServer, isIP, type Server, Socket } from 'node:net'
import { networkInterfaces } from 'node:os'
import { TLSSocket } from 'node:tls'
import { getRequestListener } from '@hono/node-server'
import { gatewayServerName } from '../../onboard/protocol.ts'
import { sourceKey } from '../../onboard/server/limit.ts'
import type { RequestOrigin } from '../../onboard/server/ports.ts'
import { ClawError } from '../../workers/contract/errors.ts'
import type { IncomingConnection } from '../tailnet/tailnet.ts'
import { type Origin, originTable, type Whois } from './origins.ts'
import { type MintCertificate, type ServedNames, servedNames } from './served-names.ts'

/** How long a client may take for its first byte, its TLS handshake and its request head, ms. */
const defaultHeadMs = 10_000
const requestMs = 30_000
const maxConnections = 512
/** Of those from the internet: the others keep places of their own. */
const maxFromFunnel = 256
/** Of one address: a stranger cannot take every place. */
const maxPerSource = 128

/** Anything that answers requests: a Hono app. */
export interface RequestApp {
  fetch(request: Request, origin: RequestOrigin): Response | Promise<Response>
}

/** What the listener is made of. */
export interface ListenerOptions {
  readonly host: string
  /** 0: any free one. */
  readonly port: number
  readonly app: RequestApp
  /** Answers what comes through Funnel; absent: nothing may come from there. */
  readonly funnelApp?: RequestApp
  readonly certificate: MintCertificate
  /** More names the gateway is known by, e.g. the host of public_url. */
  readonly names?: readonly string[]
  /** Who is behind an address of the tailnet; absent: nothing may come from there. */
  readonly whois?: Whois
  readonly headMs?: number
}

/** The gateway's HTTP port, open. Owns its connections. */
export interface Listener extends AsyncDisposable {
  readonly host: string
  readonly port: number
  /** Serves a connection that came in another way than through the port. Owns its descriptor, whatever the outcome. */
  admit(connection: IncomingConnection, reach: 'tailnet' | 'funnel'): void
}

/**
 * Serves an app over plain HTTP and over TLS on one port: the first byte tells which.
 * @throws ClawError CP_ONBOARD when the address cannot be listened on
 */
export async function startOnboardListener(options: ListenerOptions): Promise<Listener> {
  const origins = originTable(options.whois)
  const headMs = options.headMs ?? defaultHeadMs
  const http = httpServer(options, (socket) => origins.of(socket), headMs)
  const own = ownNames(options)
  const names = servedNames(own, options.certificate)
  const places = new Places()
  const serve = (socket: Socket, origin: Origin) => {
    if (!places.take(socket, origin)) return void socket.destroy()
    origins.note(socket, origin)
    greet(socket, {
      names,
      headMs,
      serve: (stream) => {
        origins.note(stream, origin)
        http.emit('connection', stream)
      },
    })
  }
  // noDelay: else an answer waits 40 ms for the client to acknowledge the TLS session tickets before it
  const tcp = createTcpServer({ noDelay: true }, (socket) =>
    serve(socket, { source: socket.remoteAddress ?? '', reach: 'direct', node: null }),
  )
  tcp.maxConnections = maxConnections
  await listen(tcp, options)
  const { address, port } = tcp.address() as AddressInfo
  let isOpen = true
  return {
    host: address,
    port,
    admit({ fd, from, node }, reach) {
      const isExpected = reach === 'funnel' ? options.funnelApp !== undefined : options.whois !== undefined
      const socket = isOpen && isExpected ? socketOf(fd) : null
      if (socket !== null) serve(socket, { source: from.host, reach, node })
      else closeQuietly(fd)
    },
    async [Symbol.asyncDispose]() {
      isOpen = false
      const closed = new Promise<void>((resolve) => tcp.close(() => resolve()))
      places.empty()
      http.close()
      await closed
    },
  }
}

/** null: no stream socket, which is still the caller's then. */
function socketOf(fd: number): Socket | null {
  try {
    return new Socket({ fd, readable: true, writable: true })
  } catch {
    return null
  }
}

function closeQuietly(fd: number): void {
  try {
    closeSync(fd)
  } catch {
    // it was closed already
  }
}

/** Connections that are open, counted by where they come from. */
class Places {
  readonly #open = new Map<Socket, Origin>()
  readonly #perSource = new Map<string, number>()
  #fromFunnel = 0

  /** @returns false when there is none left for this one */
  take(socket: Socket, origin: Origin): boolean {
    const key = sourceKey(origin.source)
    const open = this.#perSource.get(key) ?? 0
    const isFunnel = origin.reach === 'funnel'
    if (open >= maxPerSource || this.#open.size >= maxConnections) return false
    if (isFunnel && this.#fromFunnel >= maxFromFunnel) return false
    this.#open.set(socket, origin)
    this.#perSource.set(key, open + 1)
    if (isFunnel) this.#fromFunnel += 1
    socket.once('close', () => {
      this.#open.delete(socket)
      if (isFunnel) this.#fromFunnel -= 1
      const left = (this.#perSource.get(key) ?? 1) - 1
      if (left > 0) this.#perSource.set(key, left)
      else this.#perSource.delete(key)
    })
    return true
  }

  empty(): void {
    for (const socket of this.#open.keys()) socket.destroy()
  }
}

function httpServer(
  { app, funnelApp }: ListenerOptions,
  originOf: (socket: object) => Promise<RequestOrigin | null>,
  headMs: number,
): HttpServer {
  const answer = getRequestListener(
    async (request, env) => {
      const origin = await originOf(env.incoming.socket)
      if (origin === null) return nobody()
      const served = origin.reach === 'funnel' ? funnelApp : app
      return served === undefined ? nobody() : await served.fetch(request, origin)
    },
    { overrideGlobalObjects: false },
  )
  const limits = { headersTimeout: headMs, requestTimeout: requestMs, connectionsCheckingInterval: headMs / 4 }
  const server = createServer(limits, (request: IncomingMessage, response: ServerResponse) => {
    // the URL class tidies dots and backslashes up: what is not tidy never gets to it
    if (!isTidy(request.url ?? '')) request.url = '/%'
    void answer(request, response)
  })
  server.keepAliveTimeout = 5000
  server.maxHeadersCount = 64
  server.on('upgrade', (_request, socket) => socket.destroy())
  // it is given its connections and never listens: without this Node would not look after their time limits
  server.emit('listening')
  return server
}

/** For who comes from the tailnet and cannot be told who they are. */
function nobody(): Response {
  return new Response('403 no node of the tailnet\n', { status: 403, headers: { connection: 'close' } })
}

interface Greeting {
  readonly names: ServedNames
  readonly headMs: number
  readonly serve: (stream: Socket) => void
}

/** Waits for the first byte of a connection and hands it to HTTP, through TLS when it is a handshake record. */
function greet(socket: Socket, { names, headMs, serve }: Greeting): void {
  socket.on('error', () => socket.destroy())
  const timer = setTimeout(() => socket.destroy(), headMs)
  socket.once('close', () => clearTimeout(timer))
  socket.once('data', (chunk: Buffer) => {
    socket.pause()
    socket.unshift(chunk)
    if (chunk[0] !== 0x16) {
      clearTimeout(timer)
      serve(socket)
      socket.resume()
      return
    }
    void names.contextFor(socket.localAddress ?? null).then(
      (secureContext) => {
        if (socket.destroyed) return
        const secured = new TLSSocket(socket, {
          isServer: true,
          secureContext,
          ALPNProtocols: ['http/1.1'],
          SNICallback: (name, done) =>
            void names.contextFor(name).then(
              (context) => done(null, context),
              (error: Error) => done(error),
            ),
        })
        secured.on('error', () => secured.destroy())
        secured.once('secure', () => {
          clearTimeout(timer)
          serve(secured)
        })
      },
      () => socket.destroy(),
    )
  })
}

function isTidy(url: string): boolean {
  const path = url.split('?', 1)[0] ?? ''
  return /^\/[A-Za-z0-9._/-]*$/.test(path) && !/\/(\/|\.{1,2}(\/|$))/.test(path)
}

function ownNames({ host, names = [] }: ListenerOptions): readonly [string, ...string[]] {
  const addresses = Object.values(networkInterfaces()).flatMap((list) => list?.map(({ address }) => address) ?? [])
  const literal = isIP(host) === 0 ? [host.toLowerCase()] : []
  return [gatewayServerName, 'localhost', '127.0.0.1', '::1', ...addresses, ...literal, ...names.map(lower)]
}

function lower(name: string): string {
  return name.toLowerCase()
}

function listen(server: Server, { host, port }: ListenerOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const [found, hint] = listenFault(error.code)
      const where = `${host.includes(':') ? `[${host}]` : host}:${port}`
      reject(new ClawError('CP_ONBOARD', `Cannot listen on ${where}: ${found}`, { cause: error, hint }))
    })
    server.listen({ host, port }, resolve)
  })
}

function listenFault(code: string | undefined): readonly [found: string, hint: string] {
  const elsewhere = 'set dashboard_listen in the gateway block to an address that is free'
  if (code === 'EADDRINUSE') return ['another program listens there', elsewhere]
  if (code === 'EACCES') return ['ports below 1024 are not for this user', elsewhere]
  if (code === 'EADDRNOTAVAIL') return ['this machine has no such address', elsewhere]
  return [`${code ?? 'unknown error'}`, elsewhere]
}
