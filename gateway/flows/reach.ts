import { isIP } from 'node:net'
import type { Address } from '../../workers/contract/ids.ts'
import type { DestinationPolicy } from './destination.ts'
import type { Resolver } from './resolver.ts'

/** The very address to connect to, or why there is none. */
export type Reach =
  | { readonly kind: 'address'; readonly address: Address }
  | { readonly kind: 'refused'; readonly because: string }

/**
 * Finds where an unclaimed flow goes: names are looked up here and what was found is judged and then dialled as it is,
 * without a second look-up.
 */
export async function reach(
  { resolver, policy }: { readonly resolver: Resolver; readonly policy: DestinationPolicy },
  to: Address,
): Promise<Reach> {
  const found = isIP(to.host) === 0 ? await lookUp(resolver, to.host) : [to.host]
  if (typeof found === 'string') return { kind: 'refused', because: found }
  let objection: string | null = null
  for (const host of found) {
    objection = policy.unclaimed(host)
    if (objection === null) return { kind: 'address', address: { host, port: to.port } }
  }
  const what = isIP(to.host) === 0 ? `${to.host} is at ${found[0]}, which` : to.host
  return { kind: 'refused', because: `${what} is ${objection}` }
}

/** @returns IPv4 first, since only the network of the gateway knows whether IPv6 leads anywhere; or what went wrong */
export async function lookUp(resolver: Resolver, name: string): Promise<readonly string[] | string> {
  const [four, six] = await Promise.all([resolver.resolve(name, 4), resolver.resolve(name, 6)])
  const addresses = [four, six].flatMap((found) => (found.kind === 'found' ? found.addresses : []))
  if (addresses.length > 0) return addresses
  const hasFailed = four.kind === 'failed' || six.kind === 'failed'
  return hasFailed ? `${name} could not be looked up` : `${name} has no address`
}
