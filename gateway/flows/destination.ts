import { networkInterfaces } from 'node:os'
import ipaddr from 'ipaddr.js'

/** Why an address may not be reached; null: it may. */
export type Objection = string | null

/** Which addresses the gateway connects to on behalf of agents. */
export interface DestinationPolicy {
  /** For hosts no endpoint claims: nothing private, nothing of this machine. */
  unclaimed(address: string): Objection
  /** For hosts the configuration names: the private network is fine, this machine and metadata services are not. */
  configured(address: string): Objection
}

/** What the policy is made of. */
export interface DestinationOptions {
  /** CIDR blocks that may be reached although the policy says otherwise. */
  readonly allow: readonly string[]
  /** Addresses of this machine. */
  readonly local?: () => ReadonlySet<string>
}

type Ip = ipaddr.IPv4 | ipaddr.IPv6
type Block = readonly [Ip, number]

/** Refused for whatever no endpoint claims; network spec 5.5. */
const outside = blocks([
  ['0.0.0.0/8', 'this network'],
  ['10.0.0.0/8', 'a private network'],
  ['100.64.0.0/10', 'a carrier or tailnet network'],
  ['127.0.0.0/8', 'the gateway itself'],
  ['169.254.0.0/16', 'link-local, where cloud metadata services live'],
  ['168.63.129.16/32', 'a metadata service'],
  ['172.16.0.0/12', 'a private network'],
  ['192.0.0.0/24', 'a protocol network'],
  ['192.168.0.0/16', 'a private network'],
  ['198.18.0.0/15', 'a benchmark network'],
  ['224.0.0.0/3', 'multicast or reserved'],
  ['::/128', 'this host'],
  ['::1/128', 'the gateway itself'],
  ['fc00::/7', 'a private network'],
  ['fe80::/10', 'link-local'],
  ['fec0::/10', 'a private network'],
  ['ff00::/8', 'multicast'],
])

/** Refused even for hosts the configuration names, unless it names the address itself. */
const forConfigured = blocks([
  ['0.0.0.0/8', 'this network'],
  ['127.0.0.0/8', 'the gateway itself'],
  ['100.100.100.200/32', 'a metadata service'],
  ['192.0.0.192/32', 'a metadata service'],
  ['168.63.129.16/32', 'a metadata service'],
  ['169.254.0.0/16', 'link-local, where cloud metadata services live'],
  ['224.0.0.0/3', 'multicast or reserved'],
  ['10.78.0.0/16', 'a virtual address'],
  ['::/128', 'this host'],
  ['::1/128', 'the gateway itself'],
  ['fd78::/64', 'a virtual address'],
  ['fd00:ec2::/32', 'a metadata service'],
  ['fe80::/10', 'link-local'],
  ['ff00::/8', 'multicast'],
])

/** IPv6 forms that carry an IPv4 address: where it begins, bytes. What it says is judged as well. */
const carriers: readonly { readonly block: Block; readonly at: number }[] = [
  { block: cidr('::ffff:0:0/96'), at: 12 },
  { block: cidr('::ffff:0:0:0/96'), at: 12 },
  { block: cidr('64:ff9b::/96'), at: 12 },
  { block: cidr('2002::/16'), at: 2 },
]

/** IPv6 forms nothing public is reached by, and that carry an IPv4 address in disguise. */
const disguises = blocks([
  ['::/96', 'an IPv4 address in an obsolete form'],
  ['2001::/32', 'a Teredo tunnel'],
  // RFC 8215: where the IPv4 address stands is for the local network to say
  ['64:ff9b:1::/48', 'a local translation'],
])

/** The destination policy of the gateway: checked on the very address that is then dialled. */
export function destinationPolicy(options: DestinationOptions): DestinationPolicy {
  const allowed = options.allow.map(cidr)
  const local = options.local ?? localAddresses()
  const object = (denied: readonly Denied[], address: string): Objection => {
    const forms = formsOf(address)
    if (forms === null) return 'not an address'
    if (forms.some((form) => allowed.some((block) => isIn(form, block)))) return null
    for (const form of forms) {
      const found = [...denied, ...disguises].find(({ block }) => isIn(form, block))
      if (found !== undefined) return found.what
      if (local().has(form.toString())) return 'an address of the gateway'
    }
    return null
  }
  return {
    unclaimed: (address) => object(outside, address),
    configured: (address) => object(forConfigured, address),
  }
}

/** Addresses of this machine's interfaces, looked at again every 5 s. */
export function localAddresses(): () => ReadonlySet<string> {
  let known: ReadonlySet<string> = new Set()
  let until = Number.NEGATIVE_INFINITY
  return () => {
    if (performance.now() > until) {
      until = performance.now() + 5000
      const all = Object.values(networkInterfaces()).flatMap((list) => list ?? [])
      known = new Set(all.map(({ address }) => ipaddr.process(address.replace(/%.*$/, '')).toString()))
    }
    return known
  }
}

interface Denied {
  readonly block: Block
  readonly what: string
}

/** An address and the IPv4 addresses it carries inside, all of which a connection to it could reach; canonical. */
export function addressesIn(address: string): readonly string[] {
  return formsOf(address)?.map((form) => form.toString()) ?? []
}

/** The address itself, and the IPv4 addresses it carries inside. */
function formsOf(address: string): readonly Ip[] | null {
  // inet_aton forms (0177.1, 2130706433) mean different things to different programs
  if (!ipaddr.IPv4.isValidFourPartDecimal(address) && !ipaddr.IPv6.isValid(address)) return null
  // ipaddr.js reads ::1.2.3.4 as ::ffff:1.2.3.4; written out it reads what the kernel reads
  const ip = ipaddr.parse(address.replace(/%.*$/, '').replace(/^::(?=\d+\.)/, '0:0:0:0:0:0:'))
  if (ip.kind() === 'ipv4') return [ip]
  const bytes = ip.toByteArray()
  const inner = carriers
    .filter(({ block }) => isIn(ip, block))
    .map(({ at }) => ipaddr.fromByteArray(bytes.slice(at, at + 4)))
  return [ip, ...inner]
}

function isIn(ip: Ip, [network, bits]: Block): boolean {
  if (ip.kind() !== network.kind()) return false
  return ip.kind() === 'ipv4'
    ? (ip as ipaddr.IPv4).match(network as ipaddr.IPv4, bits)
    : (ip as ipaddr.IPv6).match(network as ipaddr.IPv6, bits)
}

function blocks(list: readonly (readonly [string, string])[]): readonly Denied[] {
  return list.map(([text, what]) => ({ block: cidr(text), what }))
}

function cidr(text: string): Block {
  return text.includes('/')
    ? ipaddr.parseCIDR(text)
    : [ipaddr.parse(text), ipaddr.parse(text).kind() === 'ipv4' ? 32 : 128]
}
