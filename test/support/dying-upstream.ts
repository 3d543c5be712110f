import { once } from 'node:events'
import { createSecureServer } from 'node:http2'
import type { AddressInfo } from 'node:net'
import type { TLSSocket } from 'node:tls'
import type { Authority } from './authority.ts'

/** An HTTP/2 upstream whose connection ends in the middle of an answer: `/end` in order, `/destroy` not. */
export interface DyingUpstream extends AsyncDisposable {
  readonly port: number
}

/** Starts it on 127.0.0.1; other paths are answered with 200. */
export async function startDyingUpstream({ key, cert }: Pick<Authority, 'key' | 'cert'>): Promise<DyingUpstream> {
  const sockets = new Map<number | undefined, TLSSocket>()
  const server = createSecureServer({ key, cert })
  server.on('secureConnection', (socket) => {
    const { remotePort } = socket
    sockets.set(remotePort, socket)
    socket.on('error', () => undefined)
    socket.on('close', () => sockets.delete(remotePort))
  })
  server.on('sessionError', () => undefined)
  server.on('stream', (stream, headers) => {
    stream.on('error', () => undefined)
    stream.respond({ ':status': 200 })
    const path = headers[':path']
    const socket = sockets.get(stream.session?.socket.remotePort)
    if (path !== '/end' && path !== '/destroy') stream.end('fine\n')
    else
      stream.write('some', () => {
        if (path === '/end') socket?.end()
        else socket?.destroy()
      })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        for (const socket of sockets.values()) socket.destroy()
        server.close(() => resolve())
      }),
  }
}
