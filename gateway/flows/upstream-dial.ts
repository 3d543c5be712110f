import { isIP } from 'node:net'
import { ClawError } from '../../workers/contract/errors.ts'
import type { Address, Fd } from '../../workers/contract/ids.ts'
import type { Endpoint, Profile } from '../../workers/contract/profile.ts'
import { upstreamOf } from '../pool/grants.ts'
import type { DestinationPolicy } from './destination.ts'
import { lookUp } from './reach.ts'
import type { Resolver } from './resolver.ts'

/** What dialling upstreams needs. */
export interface UpstreamDialPorts {
  readonly resolver: Resolver
  readonly policy: DestinationPolicy
  /** Opens a TCP connection to an address. */
  dial(to: Address, timeoutMs: number): Promise<Fd>
}

/** How long connecting to an upstream may take, all its addresses together, ms. */
const dialMs = 10_000
const mostAddresses = 4

/**
 * Connects endpoints to their upstreams; the caller has checked that the endpoint claims `to`.
 * An address the configuration names itself is dialled as it is; what a name leads to passes the destination policy.
 */
export function upstreamDial(ports: UpstreamDialPorts) {
  return async (_profile: Profile, endpoint: Endpoint, to: Address): Promise<Fd> => {
    const addresses = isNamedItself(endpoint, to) ? [to.host] : await checked(ports, to)
    const until = performance.now() + dialMs
    let failure: unknown = null
    for (const [index, host] of addresses.entries()) {
      const timeoutMs = (until - performance.now()) / (addresses.length - index)
      if (timeoutMs <= 0) break
      try {
        return await ports.dial({ host, port: to.port }, Math.ceil(timeoutMs))
      } catch (error) {
        failure = error
      }
    }
    throw new ClawError(
      'CP_UPSTREAM',
      `cannot connect to ${to.host} on port ${to.port} for endpoint "${endpoint.name}"`,
      {
        cause: failure,
      },
    )
  }
}

/** Only the configuration can make an endpoint claim an address, or `localhost` as its upstream. */
function isNamedItself(endpoint: Endpoint, to: Address): boolean {
  return isIP(to.host) !== 0 || (to.host === 'localhost' && upstreamOf(endpoint)?.host === 'localhost')
}

async function checked({ resolver, policy }: UpstreamDialPorts, to: Address): Promise<readonly string[]> {
  const found = await lookUp(resolver, to.host.toLowerCase())
  if (typeof found === 'string') throw new ClawError('CP_UPSTREAM', found)
  const allowed = found.filter((address) => policy.configured(address) === null).slice(0, mostAddresses)
  if (allowed.length > 0) return allowed
  throw new ClawError('CP_FORBIDDEN', `${to.host} is at ${found[0]}, which is ${policy.configured(found[0] ?? '')}`, {
    hint: 'name the address itself in hosts or upstream, or allow it with relay_allow',
  })
}
