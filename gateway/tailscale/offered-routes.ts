import { networkInterfaces } from 'node:os'
import ipaddr from 'ipaddr.js'
import { parseHost } from '../config/hosts.ts'
import type { Policy } from '../config/policy.ts'
import type { Objection } from '../flows/destination.ts'

/** What makes a node an exit node. */
export const exitRoutes: readonly string[] = ['0.0.0.0/0', '::/0']

/** What computing the routes needs. */
export interface OfferedRoutesPorts {
  /** Addresses of a name, or why there is none, in words. */
  lookUp(name: string): Promise<readonly string[] | string>
  /** Why an address that a configured name leads to may not be reached; null: it may. */
  configured(address: string): Objection
  /** Networks this machine is in, CIDR; those of its interfaces when absent. */
  readonly networks?: readonly string[]
}

/** The prefixes a gateway announces. */
export interface OfferedRoutes {
  /** Canonical, each once, IPv4 before IPv6, by address. */
  readonly routes: readonly string[]
  /** Configured names that could not be looked up. */
  readonly unresolved: readonly string[]
  /** How many did not fit. */
  readonly leftOut: number
}

type Ip = ipaddr.IPv4 | ipaddr.IPv6
type Block = readonly [Ip, number]

/** Virtual addresses of names. */
const virtual = ['10.78.0.0/16', 'fd78::/64']
/** Private networks; most of them an exit node drops unless they are announced besides 0.0.0.0/0 and ::/0. */
const inner = blocks(['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '169.254.0.0/16', 'fc00::/7'])
/** Reached directly, or from nowhere else: announcing these breaks more than it lets through. */
const never = blocks([
  '0.0.0.0/8',
  '127.0.0.0/8',
  '100.64.0.0/10',
  '224.0.0.0/3',
  '::/128',
  '::1/128',
  'fe80::/10',
  'ff00::/8',
  'fd7a:115c:a1e0::/48',
  ...virtual,
])
const most = 1024
const lookUpsAtOnce = 16

/**
 * What a gateway announces so that everything its profiles reach arrives: everything, the virtual addresses, and each
 * private address its endpoints are at.
 */
export async function offeredRoutes(
  policy: Pick<Policy, 'profiles'>,
  ports: OfferedRoutesPorts,
): Promise<OfferedRoutes> {
  const local = blocks(ports.networks ?? localNetworks())
  const { literal, names } = hostsOf(policy)
  const unresolved: string[] = []
  const found = await inTurns(names, async (name) => {
    const addresses = await ports.lookUp(name)
    if (typeof addresses !== 'string') return addresses.filter((address) => ports.configured(address) === null)
    unresolved.push(name)
    return []
  })
  const addresses = [...literal, ...found.flat()].map((address) => ipaddr.process(address))
  const wanted = addresses.filter((ip) => !isIn(ip, never) && (isIn(ip, inner) || isIn(ip, local)))
  const single = sorted(wanted.map((ip) => `${ip.toString()}/${ip.kind() === 'ipv4' ? 32 : 128}`))
  const always = [...exitRoutes, ...virtual]
  const room = most - always.length
  return {
    routes: sorted([...always, ...single.slice(0, room)]),
    unresolved: unresolved.sort(),
    leftOut: Math.max(0, single.length - room),
  }
}

function hostsOf({ profiles }: Pick<Policy, 'profiles'>): { readonly literal: string[]; readonly names: string[] } {
  const declared = new Set(
    [...profiles.values()].flatMap(({ endpoints }) => endpoints.flatMap((endpoint) => endpoint.hosts)),
  )
  const entries = [...declared].map(parseHost).filter((entry) => typeof entry !== 'string')
  const hosts = (kind: 'ip' | 'name') => [
    ...new Set(entries.filter((each) => each.kind === kind).map(({ host }) => host)),
  ]
  return { literal: hosts('ip'), names: hosts('name') }
}

/** Runs `one` over all of them, a few at a time. */
async function inTurns<T, R>(all: readonly T[], one: (each: T) => Promise<R>): Promise<readonly R[]> {
  const results: R[] = []
  const waiting = all.values()
  const work = async () => {
    for (const each of waiting) results.push(await one(each))
  }
  await Promise.all(Array.from({ length: lookUpsAtOnce }, work))
  return results
}

function localNetworks(): readonly string[] {
  const all = Object.values(networkInterfaces()).flatMap((list) => list ?? [])
  return all.flatMap(({ cidr }) => (cidr === null ? [] : [cidr]))
}

function sorted(routes: readonly string[]): readonly string[] {
  const keyed = [...new Set(routes)].map((route) => {
    const [ip, bits] = ipaddr.parseCIDR(route)
    const bytes = ip.toByteArray().map((byte) => byte.toString(16).padStart(2, '0'))
    return { route, key: `${ip.kind()} ${bytes.join('')} ${String(bits).padStart(3, '0')}` }
  })
  return keyed.sort((a, b) => (a.key < b.key ? -1 : 1)).map(({ route }) => route)
}

function isIn(ip: Ip, list: readonly Block[]): boolean {
  return list.some(([network, bits]) => {
    if (ip.kind() !== network.kind()) return false
    return ip.kind() === 'ipv4'
      ? (ip as ipaddr.IPv4).match(network as ipaddr.IPv4, bits)
      : (ip as ipaddr.IPv6).match(network as ipaddr.IPv6, bits)
  })
}

function blocks(list: readonly string[]): readonly Block[] {
  return list.map((text) => ipaddr.parseCIDR(text))
}
