import { createServer, type Server as HttpServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { type AddressInfo, createServer as createTcpServer, isIP, type Server, type Socket } from 'node:net'
import { networkInterfaces } from 'node:os'
import { TLSSocket } from 'node:tls'
import { getRequestListener } from '@hono/node-server'
import { gatewayServerName } from '../../onboard/protocol.ts'
import { ClawError } from '../../workers/contract/errors.ts'
import { type MintCertificate, type ServedNames, servedNames } from './served-names.ts'

/** How long a client may take for its first byte, its TLS handshake and its request head, ms. */
const headMs = 10_000
const requestMs = 30_000
const maxConnections = 512
/** Of one address: a stranger cannot take every place. */
const maxPerSource = 128

/** Anything that answers requests: a Hono app. */
export interface RequestApp {
  fetch(request: Request, env: { readonly source: string }): Response | Promise<Response>
}

/** What the listener is made of. */
export interface ListenerOptions {
  readonly host: string
  /** 0: any free one. */
  readonly port: number
  readonly app: RequestApp
  readonly certificate: MintCertificate
  /** More names the gateway is known by, e.g. the host of public_url. */
  readonly names?: readonly string[]
}

/** The gateway's HTTP port, open. Owns its connections. */
export interface Listener extends AsyncDisposable {
  readonly host: string
  readonly port: number
}

/**
 * Serves an app over plain HTTP and over TLS on one port: the first byte tells which.
 * @throws ClawError CP_ONBOARD when the address cannot be listened on
 */
export async function startOnboardListener(options: ListenerOptions): Promise<Listener> {
  const http = httpServer(options.app)
  const own = ownNames(options)
  const names = servedNames(own, options.certificate)
  const sockets = new Set<Socket>()
  const perSource = new Map<string, number>()
  // noDelay: else an answer waits 40 ms for the client to acknowledge the TLS session tickets before it
  const tcp = createTcpServer({ noDelay: true }, (socket) => {
    const source = socket.remoteAddress ?? ''
    const open = perSource.get(source) ?? 0
    if (open >= maxPerSource) {
      socket.destroy()
      return
    }
    sockets.add(socket)
    perSource.set(source, open + 1)
    socket.once('close', () => {
      sockets.delete(socket)
      const left = (perSource.get(source) ?? 1) - 1
      if (left > 0) perSource.set(source, left)
      else perSource.delete(source)
    })
    admit(socket, http, names)
  })
  tcp.maxConnections = maxConnections
  await listen(tcp, options)
  const { address, port } = tcp.address() as AddressInfo
  return {
    host: address,
    port,
    async [Symbol.asyncDispose]() {
      const closed = new Promise<void>((resolve) => tcp.close(() => resolve()))
      for (const socket of sockets) socket.destroy()
      http.close()
      await closed
    },
  }
}

function httpServer(app: RequestApp): HttpServer {
  const answer = getRequestListener(
    (request, env) => app.fetch(request, { source: env.incoming.socket.remoteAddress ?? '' }),
    { overrideGlobalObjects: false },
  )
  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    // the URL class tidies dots and backslashes up: what is not tidy never gets to it
    if (!isTidy(request.url ?? '')) request.url = '/%'
    void answer(request, response)
  })
  server.headersTimeout = headMs
  server.requestTimeout = requestMs
  server.keepAliveTimeout = 5000
  server.maxHeadersCount = 64
  server.on('upgrade', (_request, socket) => socket.destroy())
  return server
}

/** Waits for the first byte of a connection and hands it to HTTP, through TLS when it is a handshake record. */
function admit(socket: Socket, http: HttpServer, names: ServedNames): void {
  socket.on('error', () => socket.destroy())
  const timer = setTimeout(() => socket.destroy(), headMs)
  socket.once('close', () => clearTimeout(timer))
  socket.once('data', (chunk: Buffer) => {
    socket.pause()
    socket.unshift(chunk)
    if (chunk[0] !== 0x16) {
      clearTimeout(timer)
      http.emit('connection', socket)
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
          http.emit('connection', secured)
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
