import { BlockList, isIP } from 'node:net'
import type { TunnelFacts } from '../../onboard/server/ports.ts'
import type { Address } from '../../workers/contract/ids.ts'

/** Largest packet inside a client's tunnel, bytes: what fits a path of 1500 with WireGuard over IPv6 around it. */
export const clientMtu = 1420
const keepaliveS = 25

/** What clients are told of a WireGuard server. */
export function tunnelFacts(server: {
  readonly publicKey: string
  /** What clients dial. */
  readonly endpoint: Address
  /** Addresses that answer look-ups inside the tunnel. */
  readonly dns: readonly string[]
  /** Default: `clientMtu`. */
  readonly mtu?: number
}): TunnelFacts {
  const { host, port } = server.endpoint
  return {
    serverPublicKey: server.publicKey,
    endpoint: isIP(host) === 6 ? `[${host}]:${port}` : `${host}:${port}`,
    mtu: server.mtu ?? clientMtu,
    dns: server.dns,
    keepaliveS,
    interfaceName: 'clawpatrol',
  }
}

/** Says whether an address is one of those peers of a subnet get. */
export function tunnelRange(subnetCidr: string): (address: string) => boolean {
  const range = new BlockList()
  const [network = '', bits = ''] = subnetCidr.split('/')
  range.addSubnet(network, Number(bits), 'ipv4')
  range.addSubnet('fd77::', 64, 'ipv6')
  return (address) => {
    const plain = address.replace(/^::ffff:(?=\d+\.)/i, '')
    const family = isIP(plain)
    return family !== 0 && range.check(plain, family === 6 ? 'ipv6' : 'ipv4')
  }
}
