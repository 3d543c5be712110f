import ipaddr from 'ipaddr.js'

/** What a device does that dials from elsewhere than where it joined: nothing, it is told of, it is blocked. */
export type PinMode = 'off' | 'warn' | 'enforce'

/** Addresses a device joined from; null: none of that family. */
export interface RegisteredPair {
  readonly external4: string | null
  readonly external6: string | null
}

/** Nothing on record: the device is pinned to where it is seen next. */
export const noPlace: RegisteredPair = { external4: null, external6: null }

/** The first address of each family, in its plain spelling; what is no address is left out. */
export function pairOf(addresses: readonly string[]): RegisteredPair {
  const valid = addresses.filter((address) => ipaddr.isValid(address)).map(plain)
  return {
    external4: valid.find((address) => !address.includes(':')) ?? null,
    external6: valid.find((address) => address.includes(':')) ?? null,
  }
}

/** The addresses on record. */
export function registeredIn({ external4, external6 }: RegisteredPair): readonly string[] {
  return [external4, external6].filter((address) => address !== null)
}

/** What a look at a device's addresses found. */
export type PinFinding =
  | { readonly kind: 'fits' }
  /** Nothing was registered or nothing was seen: there is nothing to compare. */
  | { readonly kind: 'unknown' }
  | { readonly kind: 'deviates'; readonly act: 'warn' | 'block'; readonly because: string }

/**
 * Compares where a device is seen with where it joined. With a pair on record any other address of either family
 * deviates, also of the family it did not join from.
 * @param observed addresses its packets come from now; those of its own network are left out by `publicAddresses`
 */
export function checkPin(mode: PinMode, pair: RegisteredPair, observed: readonly string[]): PinFinding {
  if (mode === 'off') return { kind: 'fits' }
  const registered = registeredIn(pair).map(plain)
  if (registered.length === 0 || observed.length === 0) return { kind: 'unknown' }
  const others = [...new Set(observed.map(plain))].filter((address) => !registered.includes(address))
  if (others.length === 0) return { kind: 'fits' }
  const because = `the device joined from ${registered.join(' and ')} and is at ${others.join(' and ')}`
  return { kind: 'deviates', act: mode === 'enforce' ? 'block' : 'warn', because }
}

/** Those of a node's own endpoints that are on the internet: what it is called at home says nothing. */
export function publicAddresses(endpoints: readonly string[]): readonly string[] {
  return endpoints.filter((address) => ipaddr.isValid(address) && ipaddr.process(address).range() === 'unicast')
}

/**
 * Those of the ways a tailnet found to a device that can be compared with where it joined. A device that joined over
 * the internet may be reached at home, where it is called something else; one that joined at home is found there.
 */
export function comparable(pair: RegisteredPair, endpoints: readonly string[]): readonly string[] {
  return publicAddresses(registeredIn(pair)).length > 0 ? publicAddresses(endpoints) : endpoints
}

/** One spelling for each address; what is none deviates from everything. */
function plain(address: string): string {
  return ipaddr.isValid(address) ? ipaddr.process(address).toString() : address
}
