import { createSecureServer, type Http2SecureServer } from 'node:http2'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'

/** A certificate chain with its key, PEM. */
interface Identity {
  readonly key: string
  readonly chain: string
}

/** Identities of the demo upstreams and the token they want; made anew at every start. */
export interface DemoSecrets {
  readonly notes: Identity
  readonly ledger: Identity
  /** Bearer token both upstreams ask for. The demo agent never sees it. */
  readonly token: string
}

/** Two running upstreams on loopback. */
export interface DemoUpstreams extends AsyncDisposable {
  readonly notesPort: number
  readonly ledgerPort: number
}

/** Starts the notes API (HTTPS, HTTP/1.1) and the ledger (HTTP/2, gRPC-shaped), both on 127.0.0.1. */
export async function startUpstreams(secrets: DemoSecrets): Promise<DemoUpstreams> {
  const notes = notesServer(secrets)
  const ledger = ledgerServer(secrets)
  const [notesPort, ledgerPort] = await Promise.all([listen(notes), listen(ledger)])
  return {
    notesPort,
    ledgerPort,
    [Symbol.asyncDispose]: async () => {
      notes.closeAllConnections()
      await Promise.all([stop(notes), stop(ledger)])
    },
  }
}

function notesServer({ notes: { key, chain }, token }: DemoSecrets): Server {
  const notes = new Map([
    [1, 'buy milk'],
    [2, 'rotate the staging key'],
  ])
  return createServer({ key, cert: chain }, (request, response) => {
    request.resume()
    const answer = (status: number, body: unknown) => {
      response.writeHead(status, { 'content-type': 'application/json' })
      response.end(`${JSON.stringify(body)}\n`)
    }
    if (request.headers.authorization !== `Bearer ${token}`) return answer(401, { error: 'a bearer token is needed' })
    if (request.method === 'GET')
      return answer(
        200,
        [...notes].map(([id, text]) => ({ id, text })),
      )
    if (request.method === 'DELETE') {
      notes.clear()
      return answer(200, { deleted: true })
    }
    return answer(201, { id: notes.size + 1 })
  })
}

function ledgerServer({ ledger: { key, chain }, token }: DemoSecrets): Http2SecureServer {
  const server = createSecureServer({ key, cert: chain, allowHTTP1: false })
  server.on('stream', (stream, headers) => {
    stream.resume()
    stream.on('error', () => stream.destroy())
    stream.on('end', () => {
      const known = headers.authorization === `Bearer ${token}`
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true })
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': known ? '0' : '16' }))
      stream.end(known ? grpcFrame(Buffer.from([0x08, 0x2a])) : Buffer.alloc(0))
    })
  })
  return server
}

/** One length-prefixed gRPC message, uncompressed. */
export function grpcFrame(message: Uint8Array): Buffer {
  const head = Buffer.alloc(5)
  head.writeUInt32BE(message.length, 1)
  return Buffer.concat([head, message])
}

function listen(server: Server | Http2SecureServer): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port))
  })
}

function stop(server: Server | Http2SecureServer): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.unref()
  })
}
