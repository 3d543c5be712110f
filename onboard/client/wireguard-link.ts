import { resolveEndpoint } from './endpoint.ts'
import { gatewayHttp } from './gateway-http.ts'
import type { Identity } from './identity.ts'
import type { RunLink, RunName } from './run-link.ts'
import { openSession } from './session.ts'
import { newKeyPair } from './wireguard-key.ts'

/** Asks the gateway for a WireGuard peer of this run's own. @throws ClawError when it cannot be had */
export async function openWireguardLink(identity: Identity, { name, signal }: RunName): Promise<RunLink> {
  const http = await gatewayHttp(identity.gateway)
  try {
    const key = newKeyPair()
    const opening = openSession(http, identity, { publicKey: key.publicKey, name, signal })
    opening.catch(() => undefined)
    // the addon loads while the gateway answers
    const { attachTunnel, tunnelMtu } = await import('../capture/tunnel.ts')
    const session = await opening
    const close = async () => {
      await session.close()
      http.close()
    }
    try {
      const { reply } = session
      const endpoint = await resolveEndpoint(reply.endpoint)
      return {
        tunnel: {
          address4: reply.address,
          address6: reply.address6,
          // what this machine's path to the gateway carries; the gateway's figure is for paths nobody knows
          mtu: tunnelMtu(endpoint, reply.mtu),
          dns: reply.dns,
        },
        variables: reply.vars,
        hide: [],
        attach: attachTunnel({
          privateKey: key.privateKey,
          serverPublicKey: reply.server_public_key,
          endpoint,
          keepaliveS: reply.keepalive,
        }),
        close,
      }
    } catch (error) {
      await close()
      throw error
    }
  } catch (error) {
    http.close()
    throw error
  }
}
