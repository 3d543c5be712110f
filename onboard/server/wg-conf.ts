import type { TunnelFacts, WireguardEnrolment } from './ports.ts'

/** The wg-quick configuration of a device. The private key is not here: the device made it and fills it in. */
export function wireguardConf(enrolment: WireguardEnrolment, tunnel: TunnelFacts): string {
  return `[Interface]
PrivateKey =
Address = ${enrolment.address4}/32, ${enrolment.address6}/128

[Peer]
PublicKey = ${tunnel.serverPublicKey}
Endpoint = ${tunnel.endpoint}
AllowedIPs = 0.0.0.0/0, ::/0
PersistentKeepalive = ${tunnel.keepaliveS}
`
}
