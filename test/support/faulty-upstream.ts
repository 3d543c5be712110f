import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createServer, type TLSSocket } from 'node:tls'
import type { Authority } from './authority.ts'

/** What an upstream does to a request, by path. */
export type Behaviour = (socket: TLSSocket) => void

/** An upstream that writes bytes of its own choice; HTTP/1.1 only. */
export interface FaultyUpstream extends AsyncDisposable {
  readonly port: number
}

/** Starts it on 127.0.0.1; a path without a behaviour is answered with 200. */
export async function startFaultyUpstream(
  { key, cert }: Pick<Authority, 'key' | 'cert'>,
  behaviours: { readonly [path: string]: Behaviour },
): Promise<FaultyUpstream> {
  const sockets = new Set<TLSSocket>()
  const server = createServer({ key, cert, ALPNProtocols: ['http/1.1'] }, (socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => undefined)
    let text = ''
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1')
      for (let end = text.indexOf('\r\n\r\n'); end >= 0; end = text.indexOf('\r\n\r\n')) {
        const path = /^\S+ (\S+)/.exec(text)?.[1] ?? ''
        text = text.slice(end + 4)
        const behave = behaviours[path] ?? fine
        behave(socket)
      }
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy()
        server.close(() => resolve())
      }),
  }
}

const fine: Behaviour = (socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfine\n')
