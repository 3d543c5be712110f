import { isIP } from 'node:net'
import { ClawError } from '../../workers/contract/errors.ts'
import type { PollSuccess, TailscaleSuccess } from '../protocol.ts'
import { type CaCertificate, readCaCertificate } from './ca-certificate.ts'
import { identityVersion } from './identity.ts'
import type { NewIdentity } from './save-identity.ts'
import type { MetGateway } from './trust-on-first-use.ts'
import { readWireguardConf, writeWireguardConf } from './wireguard-conf.ts'

/** What an approved join is made an identity of. */
export interface Arrival {
  readonly met: MetGateway
  readonly success: PollSuccess
  /** Of the key whose public half the join sent, base64. */
  readonly privateKey: string
  /** Fingerprint people compared; null: none was shown. */
  readonly shownFingerprint: string | null
}

/**
 * Checks everything a gateway delivered and makes it an identity, ready to be saved.
 * @throws ClawError CP_ONBOARD when a part of it is not what a clawpatrol gateway sends
 */
export function identityOf({ met, success, privateKey, shownFingerprint }: Arrival): NewIdentity {
  const { address } = met
  const ca = 'ca_pem' in success ? deliveredCa(success, met.ca, shownFingerprint) : met.ca
  if (ca === null) throw new ClawError('CP_ONBOARD', 'The gateway sent no CA certificate')
  const every = {
    schema_version: identityVersion as typeof identityVersion,
    gateway: address.url,
    tls: address.trust === 'unverified' ? ('pinned' as const) : address.trust,
    device_id: success.device_id,
    device_name: success.device_name,
    ca_fingerprint: ca.fingerprint,
    joined_at: new Date().toISOString(),
  }
  if (!('ca_pem' in success)) {
    const conf = writeWireguardConf(readWireguardConf(success.auth_key), privateKey)
    const config = { ...every, mode: 'wireguard' as const }
    return { config, token: success.api_token, wireguardConf: conf, authKey: null, ca: ca.pem }
  }
  const config = { ...every, mode: 'tailscale' as const, tailnet: tailnetOf(success) }
  return { config, token: success.api_token, wireguardConf: null, authKey: success.auth_key, ca: ca.pem }
}

/** The CA that came with the answer: the very one people compared, or that was fetched before. */
function deliveredCa(success: TailscaleSuccess, met: CaCertificate | null, shown: string | null): CaCertificate {
  const ca = readCaCertificate(success.ca_pem)
  const expected = met?.fingerprint ?? shown
  if (expected === null || expected === ca.fingerprint) return ca
  throw new ClawError('CP_ONBOARD', 'The gateway delivered another CA certificate than it showed', {
    hint: 'someone between here and the gateway may be changing what it sends',
  })
}

function tailnetOf(success: TailscaleSuccess): { gateway_ip: string; gateway_url: string; control_url: string } {
  const { gateway_ip, gateway_url, control_url } = success
  const isWhole = isIP(gateway_ip) !== 0 && isHttp(gateway_url) && (control_url === '' || isHttp(control_url))
  if (isWhole) return { gateway_ip, gateway_url, control_url }
  throw new ClawError('CP_ONBOARD', 'The gateway named no usable address in the tailnet')
}

function isHttp(text: string): boolean {
  return URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)
}
