import { type GatewayHttp, gatewayHttp } from './gateway-http.ts'
import type { Identity } from './identity.ts'

/**
 * Opens a way to ask the gateway with the device's token. In a tailnet that takes a node of its own for as long as
 * it is open: nothing else on this machine is in the tailnet.
 * @throws ClawError when the tailnet cannot be joined
 */
export async function reachGateway(
  identity: Identity,
  signal: AbortSignal = new AbortController().signal,
): Promise<GatewayReach> {
  const { tailnet } = identity
  if (tailnet === null) {
    const http = await gatewayHttp(identity.gateway)
    return { ask: (ask) => http.ask(ask), close: async () => http.close() }
  }
  const { openNode } = await import('./tailnet-link.ts')
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

/** A way to ask the gateway as this device. Close it. */
export interface GatewayReach extends Pick<GatewayHttp, 'ask'> {
  close(): Promise<void>
}
