import type { Duplex } from 'node:stream'
import { type GatewayHttp, gatewayHttp } from './gateway-http.ts'
import type { TailnetIdentity } from './identity.ts'

const dialMs = 10_000

/** A node of the tailnet as far as asking the gateway needs it. */
export interface TailnetDialer {
  connect(to: { readonly host: string; readonly port: number }, timeoutMs: number): Promise<Duplex>
}

/** Asks the gateway inside the tailnet: the network itself proves both ends, so plain HTTP will do. */
export function tailnetHttp({ gatewayUrl, gatewayIp }: TailnetIdentity, node: TailnetDialer): Promise<GatewayHttp> {
  const { port } = new URL(gatewayUrl)
  const to = { host: gatewayIp, port: port === '' ? 80 : Number(port) }
  return gatewayHttp({ url: gatewayUrl, trust: 'none', ca: null }, () => node.connect(to, dialMs))
}
