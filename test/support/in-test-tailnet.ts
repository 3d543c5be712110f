import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import type {
  IncomingDatagrams,
  IncomingFlow,
  IncomingQuery,
  RelayResult,
  TailnetHandlers,
} from '../../gateway/tailnet/tailnet.ts'
import type { Address, Fd } from '../../workers/contract/ids.ts'

/** Where addresses of the outside world really are: `198.51.100.7:443` → a port of this machine. */
export type World = ReadonlyMap<string, number>

/** An announced flow as its agent sees it. */
export interface AgentFlow {
  readonly socket: Socket
  /** Resolves when it is over, reset or not. */
  readonly closed: Promise<void>
  /** What the gateway answered, in order; the contract allows one of take, relay and refuse. */
  readonly answers: readonly string[]
}

/** What became of datagrams. */
export interface AgentDatagrams {
  readonly answers: readonly string[]
  /** Resolves with `drop`, or with the address they are relayed to. */
  readonly answered: Promise<string>
  /** Ends a relay in order. */
  finish(): void
}

// an accepted socket whose descriptor was given away must not be collected: that would close it
const handedOut: Socket[] = []

/** A tailnet of real loopback sockets: what agents do is called, what the gateway answers is seen on the wire. */
export class InTestTailnet {
  readonly #handlers: TailnetHandlers
  readonly #world: World
  readonly #sockets = new Set<Socket>()

  constructor(handlers: TailnetHandlers, world: World = new Map()) {
    this.#handlers = handlers
    this.#world = world
  }

  /** Opens a TCP flow and announces it. */
  async open(from: string, to: Address): Promise<AgentFlow> {
    const [agent, near] = await this.#pair()
    const closed = new Promise<void>((resolve) => agent.once('close', () => resolve()))
    const answers: string[] = []
    this.#handlers.flow(this.#incoming(near, { from: { host: from, port: 40_000 }, to }, answers))
    return { socket: agent, closed, answers }
  }

  datagrams(from: string, to: Address): AgentDatagrams {
    const answers: string[] = []
    const said = settler<string>()
    const over = settler<RelayResult>()
    const done = { bytesUp: 3, bytesDown: 4, endedBy: 'peer', error: null } as const
    const incoming: IncomingDatagrams = {
      from: { host: from, port: 50_000 },
      to,
      node: null,
      relay: (address) => {
        answers.push('relay')
        said.resolve(`${address.host}:${address.port}`)
        return over.promise
      },
      drop: () => {
        answers.push('drop')
        said.resolve('drop')
      },
      abort: () => over.resolve({ ...done, endedBy: 'abort' }),
    }
    this.#handlers.datagrams(incoming)
    return { answers, answered: said.promise, finish: () => over.resolve(done) }
  }

  /** Sends one query; resolves with the answer. */
  query(from: string, payload: Uint8Array, to: Address = { host: '192.0.2.53', port: 53 }): Promise<Uint8Array> {
    return new Promise((resolve) => {
      const incoming: IncomingQuery = { from: { host: from, port: 5353 }, to, node: null, payload, reply: resolve }
      this.#handlers.query(incoming)
    })
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  #incoming(near: Socket, ends: { readonly from: Address; readonly to: Address }, answers: string[]): IncomingFlow {
    let queued = Buffer.alloc(0)
    let far: Socket | null = null
    let isAborted = false
    const join = (other: Socket) => {
      far = other
      if (queued.length > 0) other.write(queued)
      near.pipe(other).pipe(near)
      near.once('close', () => other.destroy())
      other.once('close', () => near.destroy())
    }
    return {
      ...ends,
      node: null,
      peek: async ({ maxBytes, timeoutMs, enough }) => {
        answers.push('peek')
        const isOver = () => enough(queued) || queued.length >= maxBytes
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, timeoutMs)
          const stop = () => {
            clearTimeout(timer)
            near.pause()
            near.removeListener('data', take)
            resolve()
          }
          const take = (chunk: Buffer) => {
            queued = Buffer.concat([queued, chunk])
            if (isOver()) stop()
          }
          near.on('data', take)
          near.resume()
          near.once('end', stop)
          near.once('close', stop)
        })
        return queued
      },
      take: async () => {
        answers.push('take')
        const [inner, given] = await this.#pair()
        handedOut.push(given)
        this.#sockets.delete(given)
        join(inner)
        return (given as unknown as { _handle: { fd: number } })._handle.fd as Fd
      },
      relay: async (to) => {
        answers.push(`relay ${to.host}:${to.port}`)
        const port = this.#world.get(`${to.host}:${to.port}`)
        if (port === undefined) {
          near.resetAndDestroy()
          return { bytesUp: 0, bytesDown: 0, endedBy: 'dial', error: 'connection refused' }
        }
        const upstream = this.#keep(connect({ port, host: '127.0.0.1', allowHalfOpen: true }))
        await once(upstream, 'connect')
        join(upstream)
        await once(upstream, 'close')
        const { bytesWritten, bytesRead } = upstream
        return { bytesUp: bytesWritten, bytesDown: bytesRead, endedBy: isAborted ? 'abort' : 'peer', error: null }
      },
      refuse: () => {
        answers.push('refuse')
        near.resetAndDestroy()
      },
      abort: () => {
        isAborted = true
        near.resetAndDestroy()
        far?.destroy()
      },
    }
  }

  /** Two connected sockets; the second has read nothing. */
  async #pair(): Promise<readonly [Socket, Socket]> {
    const server = createServer({ pauseOnConnect: true, allowHalfOpen: true })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const first = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
    const [[second]] = (await Promise.all([once(server, 'connection'), once(first, 'connect')])) as [[Socket], unknown]
    server.close()
    return [this.#keep(first), this.#keep(second)]
  }

  #keep(socket: Socket): Socket {
    this.#sockets.add(socket)
    socket.on('error', () => undefined)
    socket.once('close', () => this.#sockets.delete(socket))
    return socket
  }
}

function settler<T>(): { readonly promise: Promise<T>; resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => undefined
  const promise = new Promise<T>((settle) => {
    resolve = settle
  })
  return { promise, resolve }
}
