import { mkdirSync } from 'node:fs'
import { hideMemory, type TailnetNode as NativeNode, startTailnetNode, TailnetFault } from 'tsnet-bindings'
import { ClawError } from '../../workers/contract/errors.ts'
import type { Address, Fd } from '../../workers/contract/ids.ts'
import { listen } from './handlers.ts'
import { dialFromHere } from './native.ts'
import type { IncomingConnection, NodeNetwork, NodeStatus, TailnetHandlers, TailnetNode } from './tailnet.ts'

export interface TsnetOptions {
  /** Where the node keeps what it is; made when it is not there. */
  readonly stateDir: string
  /** Name asked for, a DNS label. */
  readonly hostname: string
  /** Empty for a node that was let in before. */
  readonly authKey: string
  /** Empty: the default service. */
  readonly controlUrl: string
  /** Prefixes to offer from the start. */
  readonly routes: readonly string[]
  /** Serves Funnel where the tailnet obtains no certificates. */
  readonly funnelCertificate?: { readonly certPem: string; readonly keyPem: string }
}

/** The gateway's own node in a tailnet, inside this process. */
export class TsnetTailnet implements NodeNetwork {
  #options: TsnetOptions
  #node: NativeNode | undefined

  constructor(options: TsnetOptions) {
    this.#options = options
  }

  /** @throws ClawError CP_NATIVE saying what keeps the node out; the message never contains the key */
  async start(
    handlers: TailnetHandlers,
    signal: AbortSignal,
  ): Promise<{ readonly addresses: readonly string[]; readonly name: string }> {
    // every secret of the gateway passes through this process
    hideMemory()
    const { stateDir, hostname, authKey, controlUrl, routes } = this.#options
    const settings = { stateDir, hostname, authKey, controlUrl, routes, signal }
    try {
      mkdirSync(stateDir, { recursive: true, mode: 0o700 })
      this.#node = await startTailnetNode(settings, listen(handlers))
    } catch (error) {
      if (signal.aborted) throw stopped()
      throw explain(error instanceof TailnetFault ? error : new TailnetFault('setup', causeOf(error)), this.#options)
    }
    if (signal.aborted) {
      await this[Symbol.asyncDispose]()
      throw stopped()
    }
    signal.addEventListener('abort', () => void this[Symbol.asyncDispose](), { once: true })
    const { addresses, name } = await this.#node.status()
    return { addresses, name }
  }

  async whois(address: string): Promise<TailnetNode | null> {
    return await this.#running().whois(address)
  }

  async endpoints(): Promise<ReadonlyMap<string, string>> {
    return await this.#running().endpoints()
  }

  async listen(
    port: number,
    reach: 'tailnet' | 'funnel',
    onConnection: (connection: IncomingConnection) => void,
  ): Promise<AsyncDisposable> {
    const certificate = reach === 'funnel' ? this.#options.funnelCertificate : undefined
    const own = await this.#running().listen(
      port,
      reach,
      ({ fd, from, node }) => onConnection({ fd: fd as Fd, from, node }),
      certificate,
    )
    return { [Symbol.asyncDispose]: () => own.close() }
  }

  async advertise(routes: readonly string[]): Promise<void> {
    await this.#running().advertise(routes)
  }

  async status(): Promise<NodeStatus> {
    return await this.#running().status()
  }

  endNode(stableId: string): void {
    // fails only once the node is gone, and every flow with it
    this.#node?.endNode(stableId).catch(() => undefined)
  }

  async dial(to: Address, timeoutMs: number): Promise<Fd> {
    return await dialFromHere(to, timeoutMs)
  }

  stats(): ReturnType<NodeNetwork['stats']> {
    return this.#node?.stats() ?? { flows: 0, accepted: 0, refused: 0, bytesUp: 0, bytesDown: 0 }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#node?.close()
  }

  #running(): NativeNode {
    if (this.#node === undefined) throw new Error('the node has not been started')
    return this.#node
  }
}

function explain({ kind, message }: TailnetFault, { controlUrl, authKey }: TsnetOptions): ClawError {
  const said = authKey === '' ? message : message.replaceAll(authKey, '[auth key]')
  const say = (what: string, hint: string) => new ClawError('CP_NATIVE', what, { hint })
  const server = JSON.stringify(controlUrl || 'of Tailscale')
  switch (kind) {
    case 'unreachable':
      return say(
        `The gateway cannot reach the tailnet's control server ${server}: ${said}`,
        "look at the gateway's network, proxy settings and clock; it is tried again",
      )
    case 'refused':
      return say(
        `The tailnet refused the gateway's key: ${said}`,
        'put a new auth key into authkey of the tailscale block, or into TS_AUTHKEY',
      )
    case 'unapproved':
      return say(
        "The gateway's node waits for approval in the tailnet",
        'an administrator approves it in the admin console; it is tried again',
      )
    case 'cancelled':
      return stopped()
    default:
      return say(`The gateway cannot join the tailnet: ${said}`, 'look at the tailscale block of its configuration')
  }
}

function stopped(): ClawError {
  return new ClawError('CP_CANCELLED', "The start of the gateway's node was stopped")
}

function causeOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
