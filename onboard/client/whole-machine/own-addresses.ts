import { existsSync, readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { networkInterfaces } from 'node:os'
import { addressesOf } from '../gateway-url.ts'
import type { Host } from './host.ts'

/** Where others reach this machine: the addresses of the interfaces its default routes leave by. */
export async function reachableAddresses(host: Host): Promise<readonly string[]> {
  const families = isIpv6On() ? (['-4', '-6'] as const) : (['-4'] as const)
  const devices = new Set<string>()
  for (const family of families) {
    const routes = JSON.parse(
      (await host.asUser(['ip', '-j', family, 'route', 'show', 'default', 'table', 'main'])) || '[]',
    ) as readonly { readonly dev?: string; readonly nexthops?: readonly { readonly dev?: string }[] }[]
    for (const route of routes)
      for (const dev of [route.dev, ...(route.nexthops ?? []).map((hop) => hop.dev)])
        if (dev !== undefined) devices.add(dev)
  }
  const links = JSON.parse((await host.asUser(['ip', '-j', 'addr', 'show'])) || '[]') as readonly {
    readonly ifname?: string
    readonly addr_info?: readonly { readonly scope?: string; readonly local?: string }[]
  }[]
  const found = links
    .filter(({ ifname }) => ifname !== undefined && devices.has(ifname))
    .flatMap(({ addr_info = [] }) => addr_info)
    .flatMap(({ scope, local }) => (scope === 'global' && local !== undefined && isIP(local) !== 0 ? [local] : []))
  return [...new Set(found)].filter((address) => families.length === 2 || isIP(address) === 4)
}

/** Whether a host is this machine: its traffic cannot be led into a tunnel that ends here. */
export async function isThisMachine(host: string): Promise<boolean> {
  const own = new Set(Object.values(networkInterfaces()).flatMap((each) => (each ?? []).map(({ address }) => address)))
  const addresses = isIP(host) === 0 ? await addressesOf(host) : [host]
  return addresses.some((address) => {
    const plain = address.replace(/^::ffff:(?=\d+\.)/i, '')
    return plain.startsWith('127.') || plain === '::1' || plain === '0.0.0.0' || plain === '::' || own.has(plain)
  })
}

/** Whether this machine speaks IPv6 at all. */
export function isIpv6On(): boolean {
  const path = '/proc/sys/net/ipv6/conf/all/disable_ipv6'
  return existsSync(path) && readFileSync(path, 'utf8').trim() === '0'
}
