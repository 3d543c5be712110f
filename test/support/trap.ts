import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'

/** A server on every address of this host that nobody may reach; it notes who did. */
export interface Trap extends AsyncDisposable {
  readonly port: number
  /** One entry for each TCP connection and each datagram. */
  readonly caught: string[]
}

/** Opens a trap for TCP and UDP on one port. */
export async function openTrap(): Promise<Trap> {
  const caught: string[] = []
  const sockets = new Set<Socket>()
  const tcp = createServer((socket) => {
    caught.push(`tcp to ${socket.localAddress}`)
    sockets.add(socket)
    socket.on('error', () => undefined).end('caught\n')
  })
  tcp.listen(0, '::')
  await once(tcp, 'listening')
  const { port } = tcp.address() as AddressInfo
  const udp = createSocket('udp6')
  udp.on('message', (_message, from) => {
    caught.push(`udp from ${from.address}`)
    udp.send('caught', from.port, from.address)
  })
  udp.bind(port, '::')
  await once(udp, 'listening')
  return {
    port,
    caught,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      udp.close()
      await new Promise((resolve) => tcp.close(resolve))
    },
  }
}
