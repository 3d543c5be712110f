import { isIP } from 'node:net'
import ipaddr from 'ipaddr.js'
import type { EndpointName } from '../../workers/contract/ids.ts'
import type { Endpoint, Profile } from '../../workers/contract/profile.ts'
import { protocolNamed } from '../../workers/protocols/index.ts'

/** One host entry of an endpoint, taken apart. */
export interface HostEntry {
  readonly kind: 'name' | 'ip' | 'wildcard'
  /** Canonical: lower case; IPv6 compressed, no brackets; a wildcard without its `*.`. */
  readonly host: string
  /** null: the protocol's default port. */
  readonly port: number | null
}

/** Which endpoints of one profile claim a name. */
export interface HostIndex {
  /** Endpoints claiming this authority: exact entries first, then the longest wildcard. Empty: nobody does. */
  find(name: string, port: number): EndpointName[]
  /** Endpoints claiming the name on any port: for names that only exist here (virtual addresses). */
  owners(name: string): EndpointName[]
  /** Ports on which some entry of a protocol that begins with a ClientHello can match. */
  readonly ports: ReadonlySet<number>
  /** Endpoints whose protocol begins in a way of its own: a flow of theirs says nothing of where it wants to go. */
  readonly silent: ReadonlySet<EndpointName>
  /** Their declared names by port; the real addresses of these names are claimed as well. Not those behind a tunnel. */
  readonly located: ReadonlyMap<number, readonly string[]>
  /** Declared names without IP addresses and wildcards, sorted. */
  readonly names: readonly string[]
  /** Suffixes of declared wildcards, e.g. `example.com` for `*.example.com`, sorted. */
  readonly suffixes: readonly string[]
}

/**
 * Takes a declared host apart.
 * @returns the entry, or what is wrong with it in words
 */
export function parseHost(declared: string): HostEntry | string {
  if (declared === '') return 'a host entry is empty'
  if (declared.includes('://')) return `${JSON.stringify(declared)} is a URL: write the host name alone`
  if (/[\s/?#@\p{Cc}]/u.test(declared)) return `${JSON.stringify(declared)} is not a host name`
  const split = splitPort(declared)
  if (typeof split === 'string') return split
  const host = split.host.toLowerCase()
  const { port } = split
  if (host === '') return `${JSON.stringify(declared)} has no host name`
  if (isIP(host) !== 0) return { kind: 'ip', host: canonicalAddress(host), port }
  if (host.includes('*')) return parseWildcard(declared, host, port)
  if (host.startsWith('.') || host.endsWith('.') || host.includes('..'))
    return `${JSON.stringify(declared)} has an empty label`
  return { kind: 'name', host, port }
}

/** The entry as text again, canonical. */
export function formatHost({ kind, host, port }: HostEntry): string {
  const shown = kind === 'wildcard' ? `*.${host}` : host.includes(':') && port !== null ? `[${host}]` : host
  return port === null ? shown : `${shown}:${port}`
}

/** Builds the look-up over a profile's endpoints; entries that do not parse claim nothing. */
export function hostIndex(profile: Pick<Profile, 'endpoints'>): HostIndex {
  const exact = new Map<string, EndpointName[]>()
  const wild = new Map<string, EndpointName[]>()
  const exactAny = new Map<string, EndpointName[]>()
  const wildAny = new Map<string, EndpointName[]>()
  const ports = new Set<number>()
  const names = new Set<string>()
  const silent = new Set<EndpointName>()
  const located = new Map<number, string[]>()
  for (const endpoint of profile.endpoints) {
    const protocol = protocolNamed(endpoint.protocol)
    const isSilent = (protocol?.openingOf?.(endpoint.settings) ?? protocol?.opening) === 'own'
    if (isSilent) silent.add(endpoint.name)
    for (const { kind, host, port } of entriesOf(endpoint)) {
      const fixed = port ?? protocol?.defaultPort ?? 0
      if (!isSilent) ports.add(fixed)
      else if (kind === 'name' && endpoint.via === null) located.set(fixed, [...(located.get(fixed) ?? []), host])
      if (kind === 'name') names.add(host)
      note(kind === 'wildcard' ? wild : exact, `${host}\n${fixed}`, endpoint.name)
      note(kind === 'wildcard' ? wildAny : exactAny, host, endpoint.name)
    }
  }
  return {
    find: (name, port) => lookUp(name, (host) => `${host}\n${port}`, exact, wild),
    owners: (name) => lookUp(name, (host) => host, exactAny, wildAny),
    ports,
    silent,
    located,
    names: [...names].sort(),
    suffixes: [...wildAny.keys()].sort(),
  }
}

/** Canonical text of an IP address: IPv6 compressed, v4-mapped as v4. */
export function canonicalAddress(address: string): string {
  return ipaddr.process(address).toString()
}

function entriesOf(endpoint: Pick<Endpoint, 'hosts'>): HostEntry[] {
  return endpoint.hosts.map(parseHost).filter((entry) => typeof entry !== 'string')
}

function splitPort(declared: string): { host: string; port: number | null } | string {
  const bracketed = /^\[([^\]]*)\](?::(.*))?$/.exec(declared)
  if (bracketed !== null) {
    if (isIP(bracketed[1] ?? '') !== 6) return `${JSON.stringify(declared)} has no IPv6 address in its brackets`
    return withPort(declared, bracketed[1] ?? '', bracketed[2])
  }
  if (isIP(declared) === 6) return { host: declared, port: null }
  const colon = declared.indexOf(':')
  if (colon < 0) return { host: declared, port: null }
  return withPort(declared, declared.slice(0, colon), declared.slice(colon + 1))
}

function withPort(
  declared: string,
  host: string,
  port: string | undefined,
): { host: string; port: number | null } | string {
  if (port === undefined) return { host, port: null }
  const value = Number(port)
  if (!/^\d{1,5}$/.test(port) || value < 1 || value > 65535)
    return `${JSON.stringify(declared)} has an invalid port: 1 to 65535`
  return { host, port: value }
}

function parseWildcard(declared: string, host: string, port: number | null): HostEntry | string {
  const suffix = host.slice(2)
  if (!host.startsWith('*.') || suffix.includes('*'))
    return `${JSON.stringify(declared)}: the star may only stand for the whole left-most label, as in *.example.com`
  if (suffix.startsWith('.') || suffix.endsWith('.') || suffix.includes('..') || suffix === '')
    return `${JSON.stringify(declared)} has an empty label`
  if (isIP(suffix) !== 0) return `${JSON.stringify(declared)}: a wildcard of an IP address matches nothing`
  if (!suffix.includes('.')) return `${JSON.stringify(declared)} is too broad: at least two labels must follow the star`
  return { kind: 'wildcard', host: suffix, port }
}

function note(map: Map<string, EndpointName[]>, key: string, name: EndpointName): void {
  const names = map.get(key)
  if (names === undefined) map.set(key, [name])
  else if (!names.includes(name)) names.push(name)
}

function lookUp(
  name: string,
  keyOf: (host: string) => string,
  exact: ReadonlyMap<string, EndpointName[]>,
  wild: ReadonlyMap<string, EndpointName[]>,
): EndpointName[] {
  const host = canonicalName(name)
  const found = exact.get(keyOf(host))
  if (found !== undefined) return [...found]
  if (wild.size === 0 || isIP(host) !== 0) return []
  for (let dot = host.indexOf('.'); dot >= 0; dot = host.indexOf('.', dot + 1)) {
    const claimed = dot > 0 ? wild.get(keyOf(host.slice(dot + 1))) : undefined
    if (claimed !== undefined) return [...claimed]
  }
  return []
}

function canonicalName(name: string): string {
  const lower = name.toLowerCase()
  const bare = lower.startsWith('[') && lower.endsWith(']') ? lower.slice(1, -1) : lower
  if (isIP(bare) !== 0) return canonicalAddress(bare)
  return bare.endsWith('.') ? bare.slice(0, -1) : bare
}
