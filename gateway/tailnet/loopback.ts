import { startLoopback, type Transport } from 'tsnet-bindings'
import type { Address, Fd } from '../../workers/contract/ids.ts'
import { listen } from './handlers.ts'
import { dialFromHere } from './native.ts'
import type { Tailnet, TailnetHandlers } from './tailnet.ts'

/** One made-up flow: connections to the listener seem to come from `from` and to be meant for `to`. */
export interface Door {
  readonly from: string
  readonly to: Address
}

/** A transport over kernel sockets on 127.0.0.1, with the flow machinery of the others; for tests. */
export class LoopbackTailnet implements Tailnet {
  #doors: readonly Door[]
  #transport: Transport | undefined
  /** Ports on 127.0.0.1, in the order of the doors, once started. */
  ports: readonly number[] = []

  constructor(doors: readonly Door[]) {
    this.#doors = doors
  }

  async start(
    handlers: TailnetHandlers,
    signal: AbortSignal,
  ): Promise<{ readonly addresses: readonly string[]; readonly name: string }> {
    const started = await startLoopback(this.#doors, listen(handlers))
    this.#transport = started.transport
    this.ports = started.ports
    signal.addEventListener('abort', () => void this[Symbol.asyncDispose](), { once: true })
    return { addresses: ['127.0.0.1'], name: 'loopback' }
  }

  async dial(to: Address, timeoutMs: number): Promise<Fd> {
    return await dialFromHere(to, timeoutMs)
  }

  stats(): ReturnType<Tailnet['stats']> {
    return this.#transport?.stats() ?? { flows: 0, accepted: 0, refused: 0, bytesUp: 0, bytesDown: 0 }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#transport?.close()
  }
}
