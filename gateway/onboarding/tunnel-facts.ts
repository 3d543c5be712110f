import { BlockList, isIP } from 'node:net'
import type { OnboardPorts, TunnelFacts } from '../../onboard/server/ports.ts'
import type { WireguardSettings } from '../config/policy.ts'

const keepaliveS = 25

/** A WireGuard server as clients are told of it. */
export interface TunnelServer {
  readonly wireguard: Pick<WireguardSettings, 'endpoint' | 'subnetCidr'>
  /** Its own addresses inside the tunnel; look-ups go there. */
  readonly server: { readonly address4: string; readonly address6: string }
  /** Base64. */
  readonly publicKey: string
  /** Largest packet inside the tunnel, bytes. */
  readonly mtu: number
}

/** The parts of onboarding that follow from the WireGuard server alone. */
export function tunnelFacts({
  wireguard,
  server,
  publicKey,
  mtu,
}: TunnelServer): Pick<OnboardPorts, 'isInsideTunnel'> & { readonly tunnel: () => TunnelFacts } {
  const { host, port } = wireguard.endpoint
  const facts = {
    serverPublicKey: publicKey,
    endpoint: isIP(host) === 6 ? `[${host}]:${port}` : `${host}:${port}`,
    mtu,
    dns: [server.address4],
    keepaliveS,
    interfaceName: 'clawpatrol',
  }
  return { tunnel: () => facts, isInsideTunnel: tunnelRange(wireguard.subnetCidr) }
}

/** The same for a gateway without WireGuard. */
export const noTunnel: Pick<OnboardPorts, 'tunnel' | 'isInsideTunnel'> = {
  tunnel: () => null,
  isInsideTunnel: () => false,
}

/** Says whether an address is one of those peers of a subnet get. */
function tunnelRange(subnetCidr: string): (address: string) => boolean {
  const range = new BlockList()
  const [network = '', bits = ''] = subnetCidr.split('/')
  range.addSubnet(network, Number(bits), 'ipv4')
  // where peers' IPv6 addresses are, whatever the IPv4 subnet
  range.addSubnet('fd77::', 64, 'ipv6')
  return (address) => {
    const plain = address.replace(/^::ffff:(?=\d+\.)/i, '')
    const family = isIP(plain)
    return family !== 0 && range.check(plain, family === 6 ? 'ipv6' : 'ipv4')
  }
}
