import { isIP } from 'node:net'
import ipaddr from 'ipaddr.js'
import { z } from 'zod'
import { text } from '../../workers/contract/fields.ts'
import type { Address } from '../../workers/contract/ids.ts'
import { parseDuration, parseKeep } from './durations.ts'
import { parseSize } from './sizes.ts'

/** A duration above zero, as milliseconds. */
export function positiveDuration(): z.ZodType<number> {
  return read((value) => {
    const ms = parseDuration(value)
    return typeof ms === 'number' && ms <= 0 ? `${JSON.stringify(value)} must be above zero` : wrap(ms)
  })
}

/** How long something is kept, milliseconds; null: for ever. */
export function keep(): z.ZodType<number | null> {
  return read((value) => wrap(parseKeep(value)))
}

/** A size, as bytes. */
export function size(): z.ZodType<number> {
  return read((value) => wrap(parseSize(value)))
}

/** `host:port` or `[IPv6]:port`; the host may be a name. */
export function hostPort(): z.ZodType<Address> {
  return read((value) => wrap(parseHostPort(value) ?? `${JSON.stringify(value)} is not host:port, port 1 to 65535`))
}

/** An IP address, or one with a port, as a server to ask; port 53 when none is given. */
export function nameServer(): z.ZodType<Address> {
  return read((value) => {
    if (isIP(value) !== 0) return { is: { host: value, port: 53 } }
    const found = parseHostPort(value)
    return found !== null && isIP(found.host) !== 0
      ? { is: found }
      : `${JSON.stringify(value)} is not the IP address of a DNS server, like 192.0.2.53 or 192.0.2.53:53`
  })
}

/** A CIDR block in canonical form: host bits cleared. */
export function cidr(): z.ZodType<string> {
  return read((value) => canonicalCidr(value))
}

/** An IPv4 CIDR block with room for clients. */
export function clientSubnet(): z.ZodType<string> {
  return read((value) => {
    const found = canonicalCidr(value)
    if (typeof found === 'string') return found
    const [address = '', prefix] = found.is.split('/')
    if (isIP(address) !== 4) return `${JSON.stringify(value)} must be an IPv4 subnet; IPv6 addresses follow from it`
    const bits = Number(prefix)
    return bits < 8 || bits > 30 ? `${JSON.stringify(value)} must have a prefix from /8 to /30` : found
  })
}

/** An absolute http(s) URL without query and fragment; white space around and slashes at its end are removed. */
export function publicUrl(): z.ZodType<string> {
  return read((value) => {
    const trimmed = value.trim().replace(/\/+$/, '')
    const wrong = `${JSON.stringify(value)} is not an absolute URL like https://gate.example.com`
    if (!/^https?:\/\/[^/?#\s]+(\/[^?#\s]*)?$/i.test(trimmed) || !URL.canParse(trimmed)) return wrong
    return { is: trimmed }
  })
}

/** Where a service is, http(s), without credentials, query and fragment; slashes at its end are removed. */
export function serviceUrl(): z.ZodType<string> {
  return read((value) => {
    const trimmed = value.trim().replace(/\/+$/, '')
    const url = URL.canParse(trimmed) ? new URL(trimmed) : null
    // not quoted: what stands before the @ is a password
    if (url !== null && (url.username !== '' || url.password !== '' || /^[^/]*\/\/[^/]*@/.test(trimmed)))
      return 'must not have a user name or password in it'
    if (url === null || !/^https?:\/\/[^/?#\s]+(\/[^?#\s]*)?$/i.test(trimmed))
      return `${JSON.stringify(value)} is not an http or https URL like https://control.example.com`
    return { is: trimmed }
  })
}

/** A name for one node: letters, digits and hyphens, at most 63 characters; in lower case. */
export function hostLabel(): z.ZodType<string> {
  return read((value) =>
    /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/i.test(value)
      ? { is: value.toLowerCase() }
      : `${JSON.stringify(value)} is not a DNS label: letters, digits and inner hyphens, at most 63 of them`,
  )
}

/** Takes `host:port` apart; null when it is not. */
export function parseHostPort(value: string): Address | null {
  const found = /^(?:\[([0-9a-fA-F:.]+)\]|([^\s:/[\]]*)):(\d{1,5})$/.exec(value)
  const port = Number(found?.[3])
  if (found === null || port < 1 || port > 65535) return null
  const [, bracketed, plain = ''] = found
  if (bracketed !== undefined && isIP(bracketed) !== 6) return null
  return { host: bracketed ?? plain, port }
}

function canonicalCidr(value: string): { readonly is: string } | string {
  const wrong = `${JSON.stringify(value)} is not a CIDR block like 10.77.0.0/24`
  const [address = '', prefix = '', more] = value.split('/')
  if (more !== undefined || isIP(address) === 0 || !/^\d{1,3}$/.test(prefix)) return wrong
  try {
    const [parsed, bits] = ipaddr.parseCIDR(value)
    const network =
      parsed.kind() === 'ipv4' ? ipaddr.IPv4.networkAddressFromCIDR(value) : ipaddr.IPv6.networkAddressFromCIDR(value)
    return { is: `${network.toString()}/${bits}` }
  } catch {
    return wrong
  }
}

/** A string attribute read by a function that answers the value in `is`, or what is wrong in words. */
function read<T>(parse: (value: string) => { readonly is: T } | string): z.ZodType<T> {
  return text().transform((value, context) => {
    const found = parse(value)
    if (typeof found !== 'string') return found.is
    context.addIssue({ code: 'custom', message: found, input: value })
    return z.NEVER
  })
}

/** A reader that answers text for a problem as one that `read` takes. */
function wrap<T>(found: T | string): { readonly is: T } | string {
  return typeof found === 'string' ? found : { is: found }
}
