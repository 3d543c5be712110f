import { binding } from './binding.ts'
import type { Address } from './flows.ts'
import { op } from './protocol.ts'
import { startNode } from './tailnet-client.ts'
import { type Handlers, Transport } from './transports.ts'

export interface TailnetNodeOptions {
  /** Absolute path of a directory that only this node uses; it is made when it is not there. */
  readonly stateDir: string
  /** Name asked for, a DNS label. */
  readonly hostname: string
  /** Empty for a node that was let in before. */
  readonly authKey: string
  /** Empty: the default service. */
  readonly controlUrl: string
  /** Prefixes to offer, CIDR. */
  readonly routes: readonly string[]
  /** Ends the start. */
  readonly signal?: AbortSignal
}

/** The node as it sees itself. */
export interface TailnetNodeStatus {
  readonly state: string
  readonly addresses: readonly string[]
  readonly name: string
  readonly stableId: string
  readonly certDomains: readonly string[]
  readonly health: readonly string[]
  readonly approvedRoutes: readonly string[]
}

/** Another node as the control plane vouches for it. */
export interface TailnetPeer {
  readonly stableId: string
  readonly name: string
  readonly hostname: string
  readonly user: string | null
  readonly tags: readonly string[]
  readonly addresses: readonly string[]
}

/** A connection to one of the node's own ports. */
export interface TailnetConnection {
  /** Stream socket; the receiver owns it. */
  readonly fd: number
  readonly from: Address
  /** Stable id of the node it came from; null: the internet. */
  readonly node: string | null
}

/** A certificate to serve Funnel with instead of the one the tailnet obtains. */
export interface FunnelCertificate {
  readonly certPem: string
  readonly keyPem: string
}

/** A node of a tailnet that takes whatever other nodes send through it. */
export class TailnetNode extends Transport {
  /** Serves a port of the node: of its addresses in the tailnet, or on the internet with TLS taken off. */
  async listen(
    port: number,
    reach: 'tailnet' | 'funnel',
    onConnection: (connection: TailnetConnection) => void,
    certificate?: FunnelCertificate,
  ): Promise<{ close(): Promise<void> }> {
    const isFunnel = reach === 'funnel' ? 1 : 0
    const text = certificate === undefined ? '' : JSON.stringify(certificate)
    const { value } = await binding().request(op.listen, this.handle, port, isFunnel, text)
    binding().watchPort(value, (fd, addresses) => onConnection({ fd, ...sourceOf(addresses) }))
    return {
      close: async () => {
        binding().forgetPort(value)
        await binding().request(op.unlisten, this.handle, value, 0, '')
      },
    }
  }

  /** Who is behind an address now; null: nobody. */
  async whois(address: string): Promise<TailnetPeer | null> {
    return JSON.parse((await binding().request(op.whois, this.handle, 0, 0, address)).text)
  }

  /** Where each node is reached directly now, `ip:port` by stable id; none for those that a relay carries. */
  async endpoints(): Promise<ReadonlyMap<string, string>> {
    const { text } = await binding().request(op.endpoints, this.handle, 0, 0, '')
    return new Map(Object.entries(JSON.parse(text) as { [stableId: string]: string }))
  }

  /** Replaces the prefixes it offers. */
  async advertise(routes: readonly string[]): Promise<void> {
    await binding().request(op.advertise, this.handle, 0, 0, JSON.stringify(routes))
  }

  async status(): Promise<TailnetNodeStatus> {
    return JSON.parse((await binding().request(op.tailnetStatus, this.handle, 0, 0, '')).text)
  }

  /** Ends every flow and connection of a node. */
  async endNode(stableId: string): Promise<void> {
    await binding().request(op.endNode, this.handle, 0, 0, stableId)
  }

  /** Leaves the tailnet for good. */
  async logout(): Promise<void> {
    await binding().request(op.logout, this.handle, 0, 0, '')
  }
}

/**
 * Joins a tailnet; resolves once the node is in it.
 * @throws TailnetFault
 */
export async function startTailnetNode(options: TailnetNodeOptions, handlers: Handlers): Promise<TailnetNode> {
  const { stateDir, hostname, authKey, controlUrl, routes, signal } = options
  const { value } = await startNode(op.startTailnet, { stateDir, hostname, authKey, controlUrl, routes }, signal)
  return new TailnetNode(value, handlers)
}

function sourceOf(addresses: string): { from: Address; node: string | null } {
  const [host = '', port = '', , , node = ''] = addresses.split(' ')
  return { from: { host, port: Number(port) }, node: node === '' ? null : node }
}
