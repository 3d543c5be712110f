import type { PollSuccess } from '../protocol.ts'
import type { Admission, OnboardPorts } from './ports.ts'
import { wireguardConf } from './wg-conf.ts'

/**
 * Everything an approved device gets, made at once: no part of it is ever delivered without the others.
 * Issues its token, so that earlier ones are worthless from here on.
 * @returns null when the gateway cannot say now where it is reached; nothing has been issued then
 */
export function deliveryOf(
  { enrolment, authKey }: Admission,
  approvedBy: string,
  ports: OnboardPorts,
): PollSuccess | null {
  const { device, name } = enrolment
  const common = () => ({
    api_token: ports.devices.issueToken(device),
    approved_by: approvedBy,
    device_id: device,
    device_name: name,
  })
  if (enrolment.transport === 'wireguard') {
    const tunnel = ports.tunnel()
    if (tunnel === null) return null
    return {
      auth_key: wireguardConf(enrolment, tunnel),
      login_server: `wireguard://${tunnel.interfaceName}`,
      ...common(),
    }
  }
  const facts = ports.tailnet?.facts() ?? null
  if (facts === null || authKey === null) return null
  return {
    auth_key: authKey,
    login_server: '',
    ...common(),
    gateway_host: facts.gatewayHost,
    gateway_ip: facts.gatewayIp,
    gateway_url: facts.gatewayUrl,
    control_url: facts.controlUrl,
    ca_pem: ports.authority().pem,
  }
}
