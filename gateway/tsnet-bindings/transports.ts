import { binding } from './binding.ts'
import type { Address } from './flows.ts'
import { Datagrams, Flow, joinAddress, Query } from './flows.ts'
import { op } from './protocol.ts'

/** Where announcements go. An exception refuses the flow. */
export interface Handlers {
  flow(flow: Flow): void
  datagrams(datagrams: Datagrams): void
  query(query: Query): void
}

/** Counters since the start; bytes of taken and relayed flows that have ended. */
export interface Stats {
  readonly flows: number
  readonly accepted: number
  readonly refused: number
  readonly bytesUp: number
  readonly bytesDown: number
}

export interface Peer {
  /** Base64. */
  readonly publicKey: string
  /** Address and port the peer was last heard from; empty before its first packet. */
  readonly endpoint: string
  /** Milliseconds since 1970; 0 before the first handshake. */
  readonly lastHandshakeMs: number
  readonly rxBytes: number
  readonly txBytes: number
}

/** A running source of flows. */
export class Transport {
  protected readonly handle: number
  #closing: Promise<unknown> | undefined

  constructor(handle: number, handlers: Handlers) {
    this.handle = handle
    binding().listen(handle, {
      flow: (id, addresses) => handlers.flow(new Flow(id, addresses)),
      datagrams: (id, addresses) => handlers.datagrams(new Datagrams(id, addresses)),
      query: (id, addresses, payload) => handlers.query(new Query(id, addresses, payload)),
    })
  }

  stats(): Stats {
    const none = { flows: 0, accepted: 0, refused: 0, bytesUp: 0, bytesDown: 0 }
    return JSON.parse(binding().read(op.readStats, this.handle)) ?? none
  }

  /** Resets every flow and stops. Idempotent. */
  async close(): Promise<void> {
    this.#closing ??= binding()
      .request(op.stop, this.handle, 0, 0, '')
      .finally(() => binding().forget(this.handle))
    await this.#closing
  }
}

/** A WireGuard server whose peers reach every address through it. */
export class WireguardServer extends Transport {
  /** UDP port it listens on. */
  readonly port: number

  constructor(handle: number, port: number, handlers: Handlers) {
    super(handle, handlers)
    this.port = port
  }

  /** Adds a peer or replaces its prefixes, the only source addresses it may use. */
  async addPeer(peer: { readonly publicKey: string; readonly allowedIps: readonly string[] }): Promise<void> {
    await binding().request(op.addPeer, this.handle, 0, 0, JSON.stringify(peer))
  }

  /** Forgets a peer and resets its flows. */
  async removePeer(publicKey: string): Promise<void> {
    await binding().request(op.removePeer, this.handle, 0, 0, JSON.stringify({ publicKey, allowedIps: [] }))
  }

  peers(): readonly Peer[] {
    return JSON.parse(binding().read(op.readPeers, this.handle))
  }
}

/** @throws Error naming the cause, such as "address already in use". */
export async function startWireguard(
  options: { readonly privateKey: string; readonly listenPort: number; readonly mtu: number },
  handlers: Handlers,
): Promise<WireguardServer> {
  const { privateKey, listenPort, mtu } = options
  const started = await binding().request(op.startWireguard, 0, 0, 0, JSON.stringify({ privateKey, listenPort, mtu }))
  return new WireguardServer(started.value, JSON.parse(started.text).port, handlers)
}

/** Kernel listeners on 127.0.0.1 whose connections appear as flows from `from` to `to`; yields one port for each. */
export async function startLoopback(
  doors: readonly { readonly from: string; readonly to: Address }[],
  handlers: Handlers,
): Promise<{ readonly transport: Transport; readonly ports: readonly number[] }> {
  const text = JSON.stringify(doors.map((door) => ({ from: door.from, to: joinAddress(door.to) })))
  const started = await binding().request(op.startLoopback, 0, 0, 0, text)
  return { transport: new Transport(started.value, handlers), ports: JSON.parse(started.text) }
}
