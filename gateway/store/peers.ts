import ipaddr from 'ipaddr.js'
import { ClawError } from '../../workers/contract/errors.ts'
import type { DeviceId, EpochMs } from '../../workers/contract/ids.ts'
import type { Database } from './database.ts'

/** A WireGuard peer and the addresses that are its own. */
export interface Peer {
  /** Base64. */
  readonly publicKey: string
  readonly device: DeviceId
  readonly address4: string
  readonly address6: string
  /** Made for one run of a wrapped command. */
  readonly ephemeral: boolean
  readonly run: string | null
  readonly createdAt: EpochMs
  readonly lastSeenAt: EpochMs | null
}

/** Who wants addresses. */
export interface NewPeer {
  readonly publicKey: string
  readonly device: DeviceId
  readonly ephemeral: boolean
  readonly run: string | null
}

/** WireGuard peers on record. */
export interface Peers {
  /** Addresses of the gateway itself inside the tunnel. */
  readonly server: { readonly address4: string; readonly address6: string }
  /**
   * Finds free addresses and takes them, in one transaction.
   * Devices get the lower half of the subnet, runs the upper half, where a freed address is not given again soon.
   * A key that is on record already gets a new peer in place of the old one when it is the same device's.
   * @throws ClawError CP_ONBOARD when the subnet is full or the key is another device's
   */
  allocate(peer: NewPeer): Peer
  get(publicKey: string): Peer | null
  list(): readonly Peer[]
  listOf(device: DeviceId): readonly Peer[]
  /** Whose tunnel address this is, IPv4 or IPv6, in any spelling. */
  byAddress(address: string): Peer | null
  byRun(run: string): Peer | null
  remove(publicKey: string): boolean
  touch(publicKey: string): void
  /** Peers of runs that an earlier gateway left; @returns how many. */
  removeEphemeral(): number
}

/**
 * The peer table's queries for one subnet.
 * @param subnetCidr IPv4, at most /30; its first host is the gateway
 * @throws ClawError CP_CONFIG when the subnet is unusable
 */
export function peersOf(database: Database, subnetCidr: string, now: () => number = Date.now): Peers {
  const { sqlite } = database
  const subnet = parseSubnet(subnetCidr)
  const one = (where: string) => sqlite.prepare(`SELECT ${columns} FROM wg_peers WHERE ${where}`)
  const byKey = one('public_key = ?')
  const by4 = one('address4 = ?')
  const by6 = one('address6 = ?')
  const byRun = one('run = ?')
  const ofDevice = one('device = ? ORDER BY created_at, host')
  const all = one('1 ORDER BY host')
  const taken = sqlite.prepare('SELECT host FROM wg_peers WHERE host = ? OR address6 = ?').pluck()
  // the end of the run of taken addresses that starts at ?
  const gap = sqlite
    .prepare(
      `SELECT min(host) + 1 FROM wg_peers AS taken WHERE host >= ?
       AND NOT EXISTS (SELECT 1 FROM wg_peers WHERE host = taken.host + 1)`,
    )
    .pluck()
  const insert = sqlite.prepare(
    `INSERT INTO wg_peers (public_key, device, host, address4, address6, ephemeral, run, created_at)
     VALUES (@publicKey, @device, @host, @address4, @address6, @ephemeral, @run, @now) RETURNING ${columns}`,
  )
  const drop = sqlite.prepare('DELETE FROM wg_peers WHERE public_key = ?')
  const seen = sqlite.prepare('UPDATE wg_peers SET last_seen_at = ? WHERE public_key = ?')
  const dropEphemeral = sqlite.prepare('DELETE FROM wg_peers WHERE ephemeral = 1')
  let cursor = subnet.ephemeral.first

  const freeIn = (first: number, last: number): number | null => {
    let host = first
    while (host <= last) {
      const by = taken.get(host, addresses(subnet, host).address6)
      if (by === undefined) return host
      // a peer of another subnet, from before it was changed, may hold the IPv6 address alone
      host = by === host ? Number(gap.get(host)) : host + 1
    }
    return null
  }
  const findFree = (ephemeral: boolean): number | null => {
    const { first, last } = ephemeral ? subnet.ephemeral : subnet.lasting
    if (!ephemeral) return freeIn(first, last)
    return freeIn(cursor, last) ?? freeIn(first, cursor - 1)
  }

  const allocate = sqlite.transaction((peer: NewPeer): Peer => {
    const before = byKey.get(peer.publicKey)
    if (before !== undefined) {
      if (asPeer(before).device !== peer.device)
        throw new ClawError('CP_ONBOARD', 'Cannot add a WireGuard peer: its key is already in use by another device')
      drop.run(peer.publicKey)
    }
    const host = findFree(peer.ephemeral)
    if (host === null)
      throw new ClawError('CP_ONBOARD', `Cannot add a WireGuard peer: no address is free in ${subnetCidr}`, {
        hint: 'remove devices that are gone, or choose a larger subnet_cidr',
      })
    const { ephemeral } = peer
    const row = insert.get({ ...peer, ...addresses(subnet, host), host, ephemeral: ephemeral ? 1 : 0, now: now() })
    if (ephemeral) cursor = host >= subnet.ephemeral.last ? subnet.ephemeral.first : host + 1
    return asPeer(row)
  })

  return {
    server: addresses(subnet, subnet.server),
    allocate: (peer) => allocate.immediate(peer),
    get: (publicKey) => asPeerOrNull(byKey.get(publicKey)),
    list: () => all.all().map(asPeer),
    listOf: (device) => ofDevice.all(device).map(asPeer),
    byAddress(address) {
      const canonical = canonicalAddress(address)
      if (canonical === null) return null
      return asPeerOrNull((canonical.includes(':') ? by6 : by4).get(canonical))
    },
    byRun: (run) => asPeerOrNull(byRun.get(run)),
    remove: (publicKey) => drop.run(publicKey).changes > 0,
    touch: (publicKey) => void seen.run(now(), publicKey),
    removeEphemeral: () => dropEphemeral.run().changes,
  }
}

const columns = `public_key AS publicKey, device, address4, address6, ephemeral, run, created_at AS createdAt,
  last_seen_at AS lastSeenAt`

interface Range {
  readonly first: number
  readonly last: number
}

interface Subnet {
  /** Network address as a number. */
  readonly base: number
  readonly server: number
  readonly lasting: Range
  readonly ephemeral: Range
}

function parseSubnet(cidr: string): Subnet {
  const wrong = (why: string) => new ClawError('CP_CONFIG', `Cannot use subnet_cidr ${JSON.stringify(cidr)}: ${why}`)
  if (!ipaddr.IPv4.isValidCIDR(cidr)) throw wrong('it is no IPv4 subnet like 10.55.0.0/24')
  const [, bits] = ipaddr.IPv4.parseCIDR(cidr)
  if (bits < 8 || bits > 30) throw wrong('it must be a /8 to a /30')
  const base = toNumber(ipaddr.IPv4.networkAddressFromCIDR(cidr).octets)
  const size = 2 ** (32 - bits)
  const all = { first: base + 2, last: base + size - 2 }
  // too small to halve: runs and devices share it
  if (size < 16) return { base, server: base + 1, lasting: all, ephemeral: all }
  const half = base + size / 2
  return { base, server: base + 1, lasting: { ...all, last: half - 1 }, ephemeral: { ...all, first: half } }
}

function addresses({ base }: Subnet, host: number): { readonly address4: string; readonly address6: string } {
  const part = host - base
  const address4 = [host >>> 24, (host >>> 16) & 255, (host >>> 8) & 255, host & 255].join('.')
  const high = part >>> 16
  return {
    address4,
    address6: high === 0 ? `fd77::${part.toString(16)}` : `fd77::${high.toString(16)}:${(part & 0xffff).toString(16)}`,
  }
}

function toNumber(octets: readonly number[]): number {
  return octets.reduce((sum, octet) => sum * 256 + octet, 0)
}

function canonicalAddress(address: string): string | null {
  if (!ipaddr.isValid(address)) return null
  return ipaddr.process(address).toString()
}

function asPeer(row: unknown): Peer {
  const found = row as Peer & { readonly ephemeral: unknown }
  return { ...found, ephemeral: Boolean(found.ephemeral) }
}

function asPeerOrNull(row: unknown): Peer | null {
  return row === undefined ? null : asPeer(row)
}
