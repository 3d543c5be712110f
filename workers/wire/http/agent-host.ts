import { isIP } from 'node:net'

/** What a requested authority is compared with. */
export interface Claim {
  /** Hosts of the endpoint as declared. */
  readonly hosts: readonly string[]
  readonly port: number
  /** Port an entry without one stands for. */
  readonly defaultPort: number
}

/** Whether an endpoint's hosts claim a name on a port; a wildcard stands for one or more labels. */
export function claimsHost(name: string, { hosts, port, defaultPort }: Claim): boolean {
  return hosts.some((declared) => {
    const entry = splitAuthority(declared)
    if ((entry.port ?? defaultPort) !== port) return false
    if (entry.host.startsWith('*.')) return name.endsWith(entry.host.slice(1)) && name.length >= entry.host.length
    return sameHost(entry.host, name)
  })
}

/** The host an agent meant that used an address: the address where the endpoint declares it, else its first name there. */
export function hostMeant(address: string, claim: Claim): string {
  if (claimsHost(address, claim)) return address
  const names = claim.hosts.filter((declared) => claimsHost(splitAuthority(declared).host, claim))
  return names.map((declared) => splitAuthority(declared).host).find((name) => !name.startsWith('*.')) ?? address
}

/**
 * Whether the host a request names is the one the connection was opened to. A port may be left out.
 * @param authority lower case, as in Host or :authority
 */
export function isSameAuthority(authority: string, host: string, port: number): boolean {
  if (authority === host) return true
  const named = splitAuthority(authority)
  return sameHost(named.host, host) && (named.port === null || named.port === port)
}

/** The authority as it goes upstream: the port only where it is not the usual one. */
export function authorityOf(host: string, port: number, usualPort = 443): string {
  const shown = isIP(host) === 6 ? `[${host}]` : host
  return port === usualPort ? shown : `${shown}:${port}`
}

/** Host without brackets and final dot, and port, of `host`, `host:port`, `[v6]`, `[v6]:port` or a bare IPv6 address. */
export function splitAuthority(authority: string): { readonly host: string; readonly port: number | null } {
  if (isIP(authority) === 6) return { host: authority, port: null }
  const found = /^(?:\[([^\]]+)\]|([^:]*))(?::(\d+))?$/.exec(authority)
  const host = (found?.[1] ?? found?.[2] ?? authority).toLowerCase().replace(/\.$/, '')
  return { host, port: found?.[3] === undefined ? null : Number(found[3]) }
}

function sameHost(one: string, other: string): boolean {
  return one === other || (isIP(one) === 6 && isIP(other) === 6 && canonical(one) === canonical(other))
}

function canonical(address: string): string {
  return URL.canParse(`http://[${address}]/`) ? new URL(`http://[${address}]/`).hostname : address
}
