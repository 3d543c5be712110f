import { isIP } from 'node:net'
import { ClawError } from '../../workers/contract/errors.ts'

const lookupMs = 10_000

/**
 * Brings a WireGuard endpoint to `address:port` with an IP literal, which is what the tunnel dials.
 * @param endpoint host:port, IPv6 in brackets
 * @throws ClawError CP_ONBOARD when it is malformed or its name has no address
 */
export async function resolveEndpoint(endpoint: string): Promise<string> {
  const [, inBrackets, name, port = ''] = /^(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9.-]+)):(\d{1,5})$/.exec(endpoint) ?? []
  const host = inBrackets ?? name ?? ''
  if (host === '' || Number(port) < 1 || Number(port) > 65535)
    throw new ClawError(
      'CP_ONBOARD',
      `The gateway named no usable WireGuard endpoint: ${JSON.stringify(endpoint.slice(0, 80))}`,
    )
  if (isIP(host) !== 0) return endpoint
  // loaded only for names: most endpoints are addresses
  const { lookup } = await import('node:dns/promises')
  let timer: NodeJS.Timeout | undefined
  const deadline = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error('no answer in time')), lookupMs)
  })
  try {
    const { address, family } = await Promise.race([lookup(host), deadline])
    return family === 6 ? `[${address}]:${port}` : `${address}:${port}`
  } catch (error) {
    throw new ClawError(
      'CP_ONBOARD',
      `Cannot find the gateway's WireGuard endpoint ${JSON.stringify(host)}: no such host`,
      {
        cause: error,
        hint: 'check name resolution on this machine, or give wireguard { endpoint } an address on the gateway',
      },
    )
  } finally {
    clearTimeout(timer)
  }
}
