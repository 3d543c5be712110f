import { generateKey, hideMemory, type Peer, publicKey, startWireguard, type WireguardServer } from 'tsnet-bindings'
import type { Address, Fd } from '../../workers/contract/ids.ts'
import { listen } from './handlers.ts'
import { dialFromHere } from './native.ts'
import type { Tailnet, TailnetHandlers } from './tailnet.ts'

export interface WireguardOptions {
  /** Base64. */
  readonly privateKey: string
  /** UDP port on every address of this host; 0 picks a free one. */
  readonly listenPort: number
  /** The gateway's own addresses inside the tunnel. */
  readonly addresses: readonly string[]
  /** Largest packet inside the tunnel, in bytes. */
  readonly mtu: number
}

/** A network of WireGuard peers, each bound to the addresses it was given. */
export class WireguardTailnet implements Tailnet {
  #options: WireguardOptions
  #server: WireguardServer | undefined

  constructor(options: WireguardOptions) {
    this.#options = options
  }

  /** UDP port in use, once started. */
  get port(): number {
    return this.#running().port
  }

  async start(
    handlers: TailnetHandlers,
    signal: AbortSignal,
  ): Promise<{ readonly addresses: readonly string[]; readonly name: string }> {
    // every secret of the gateway passes through this process
    hideMemory()
    const { privateKey, listenPort, mtu } = this.#options
    this.#server = await startWireguard({ privateKey, listenPort, mtu }, listen(handlers))
    signal.addEventListener('abort', () => void this[Symbol.asyncDispose](), { once: true })
    return { addresses: this.#options.addresses, name: 'wireguard' }
  }

  /** Lets a peer send from exactly these addresses, replacing what it had. */
  async addPeer(publicKey: string, addresses: readonly string[]): Promise<void> {
    const allowedIps = addresses.map((address) => `${address}/${address.includes(':') ? 128 : 32}`)
    await this.#running().addPeer({ publicKey, allowedIps })
  }

  /** Forgets a peer and resets its flows. */
  async removePeer(publicKey: string): Promise<void> {
    await this.#running().removePeer(publicKey)
  }

  peers(): readonly Peer[] {
    return this.#running().peers()
  }

  async dial(to: Address, timeoutMs: number): Promise<Fd> {
    return await dialFromHere(to, timeoutMs)
  }

  stats(): ReturnType<Tailnet['stats']> {
    return this.#running().stats()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server?.close()
  }

  #running(): WireguardServer {
    if (this.#server === undefined) throw new Error('the WireGuard server has not been started')
    return this.#server
  }
}

/** A new private key for the server, base64. */
export function newServerKey(): string {
  return generateKey()
}

/** What clients know the server by, base64. */
export function serverPublicKey(privateKey: string): string {
  return publicKey(privateKey)
}
