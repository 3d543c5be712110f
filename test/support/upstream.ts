import { createHash } from 'node:crypto'
import {
  createSecureServer,
  type Http2SecureServer,
  type Http2ServerRequest,
  type Http2ServerResponse,
} from 'node:http2'
import type { AddressInfo, Socket } from 'node:net'
import { type Duplex, Readable } from 'node:stream'
import { WebSocketServer } from 'ws'
import type { Authority } from './authority.ts'

/** One request as the upstream saw it, for tests that ask what really went out. */
export interface Received {
  readonly method: string
  readonly path: string
  readonly version: string
  readonly headers: { readonly [name: string]: string | string[] | undefined }
  readonly body: string
}

/** An HTTPS upstream speaking HTTP/1.1, HTTP/2, gRPC-shaped calls and WebSocket. */
export interface Upstream extends AsyncDisposable {
  readonly port: number
  readonly received: Received[]
}

const block = Buffer.alloc(1 << 20, 'clawpatrol ')

/** SHA-256 of what `/big?mib=N` answers. */
export function bigChecksum(mib: number): string {
  const hash = createHash('sha256')
  for (let index = 0; index < mib; index += 1) hash.update(block)
  return hash.digest('hex')
}

/** Starts the upstream on 127.0.0.1. It answers 401 unless the bearer token is the one given. */
export async function startUpstream(authority: Authority, token: string): Promise<Upstream> {
  const received: Received[] = []
  const sockets = new Set<Socket>()
  const server = createSecureServer({ key: authority.key, cert: authority.cert, allowHTTP1: true })
  server.on('secureConnection', (socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  server.on('request', (request, response) => {
    answer(request, response, token, received).catch((error: Error) => response.stream?.destroy(error))
  })
  const webSockets = new WebSocketServer({ noServer: true, perMessageDeflate: true })
  server.on('upgrade', (request: Http2ServerRequest, socket: Duplex, head: Buffer) => {
    if (request.headers.authorization !== `Bearer ${token}`) {
      socket.end('HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n')
      return
    }
    webSockets.handleUpgrade(request as never, socket, head, (webSocket) => {
      webSocket.on('message', (data, isBinary) => webSocket.send(data, { binary: isBinary }))
    })
  })
  await listen(server)
  return {
    port: (server.address() as AddressInfo).port,
    received,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy()
        webSockets.close()
        server.close(() => resolve())
      }),
  }
}

async function answer(request: Http2ServerRequest, response: Http2ServerResponse, token: string, received: Received[]) {
  const url = new URL(request.url, 'https://upstream')
  const body = await text(request)
  received.push({
    method: request.method,
    path: request.url,
    version: request.httpVersion,
    headers: request.headers,
    body,
  })
  const known = request.headers.authorization === `Bearer ${token}`
  if (request.headers['content-type']?.startsWith('application/grpc') === true) return grpc(response, known, body)
  if (!known) return send(response, 401, 'who are you\n')
  if (url.pathname === '/big') return big(response, Number(url.searchParams.get('mib')))
  if (url.pathname === '/events') return events(response)
  if (url.pathname === '/endless') return endless(response)
  if (url.pathname === '/echo-token') return send(response, 200, `you are ${request.headers.authorization}\n`)
  return send(
    response,
    200,
    `${request.method} ${url.pathname} over ${request.httpVersion} with ${body.length} bytes\n`,
  )
}

function send(response: Http2ServerResponse, status: number, body: string): void {
  response.writeHead(status, { 'content-type': 'text/plain', 'content-length': Buffer.byteLength(body) })
  response.end(body)
}

function big(response: Http2ServerResponse, mib: number): void {
  response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': mib * block.length })
  let left = mib
  const source = new Readable({
    read() {
      left -= 1
      this.push(left >= 0 ? block : null)
    },
  })
  source.pipe(response)
}

function events(response: Http2ServerResponse): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  response.write('data: first\n\n')
  const timer = setTimeout(() => response.end('data: second\n\n'), 1500)
  response.on('close', () => clearTimeout(timer))
}

/** An event every 50 ms until somebody ends it. */
function endless(response: Http2ServerResponse): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  response.write('data: begin\n\n')
  const timer = setInterval(() => response.write('data: more\n\n'), 50)
  response.on('close', () => clearInterval(timer))
}

function grpc(response: Http2ServerResponse, known: boolean, body: string): void {
  response.writeHead(200, { 'content-type': 'application/grpc' })
  response.addTrailers({ 'grpc-status': known ? '0' : '16' })
  response.end(known ? Buffer.from(body, 'latin1') : Buffer.alloc(0))
}

async function text(request: Readable): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString('latin1')
}

function listen(server: Http2SecureServer): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
}
