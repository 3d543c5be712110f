import { type GatewayHttp, gatewayHttp } from './gateway-http.ts'
import type { Identity, TailnetIdentity } from './identity.ts'
import { isWholeMachine } from './whole-machine/marker.ts'

/**
 * Opens a way to ask the gateway with the device's token. In a tailnet that takes a node of its own for as long as
 * it is open, unless the whole machine is in the tailnet.
 * @throws ClawError when the tailnet cannot be joined
 */
export async function reachGateway(
  identity: Identity,
  signal: AbortSignal = new AbortController().signal,
): Promise<GatewayReach> {
  const { tailnet } = identity
  if (tailnet === null || isWholeMachine(identity.dir)) {
    const http = await (tailnet === null ? gatewayHttp(identity.gateway) : ownTailnetHttp(tailnet))
    return { ask: (ask) => http.ask(ask), close: async () => http.close() }
  }
  const openNode =
    process.platform === 'darwin'
      ? (await import('./extension-link.ts')).openExtensionNode
      : (await import('./tailnet-link.ts')).openNode
  const { tailnetHttp } = await import('./tailnet-http.ts')
  const node = await openNode({ ...identity, tailnet }, signal)
  const http = await tailnetHttp(tailnet, node)
  return {
    ask: (ask) => http.ask(ask),
    async close() {
      http.close()
      await node.close()
    },
  }
}

/** Asks the gateway inside the tailnet this machine itself is in: that proves both ends, so plain HTTP will do. */
export function ownTailnetHttp({ gatewayUrl }: TailnetIdentity): Promise<GatewayHttp> {
  return gatewayHttp({ url: gatewayUrl, trust: 'none', ca: null })
}

/** A way to ask the gateway as this device. Close it. */
export interface GatewayReach extends Pick<GatewayHttp, 'ask'> {
  close(): Promise<void>
}
