import ipaddr from 'ipaddr.js'

/** What a device does that dials from elsewhere than where it joined: nothing, it is told of, it is blocked. */
export type PinMode = 'off' | 'warn' | 'enforce'

/** Addresses a device joined from; null: none of that family. */
export interface RegisteredPair {
  readonly external4: string | null
  readonly external6: string | null
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
  const registered = [pair.external4, pair.external6].flatMap((address) => (address === null ? [] : [plain(address)]))
  if (registered.length === 0 || observed.length === 0) return { kind: 'unknown' }
  const other = observed.find((address) => !registered.includes(plain(address)))
  if (other === undefined) return { kind: 'fits' }
  const because = `the device joined from ${registered.join(' and ')} and is at ${plain(other)}`
  return { kind: 'deviates', act: mode === 'enforce' ? 'block' : 'warn', because }
}

/** Those of a node's own endpoints that are on the internet: what it is called at home says nothing. */
export function publicAddresses(endpoints: readonly string[]): readonly string[] {
  return endpoints.filter((address) => ipaddr.isValid(address) && ipaddr.process(address).range() === 'unicast')
}

/** One spelling for each address; what is none deviates from everything. */
function plain(address: string): string {
  return ipaddr.isValid(address) ? ipaddr.process(address).toString() : address
}
