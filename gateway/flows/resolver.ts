import { Resolver as CaresResolver } from 'node:dns/promises'
import { isIP } from 'node:net'
import type { Address } from '../../workers/contract/ids.ts'
import { hostsFile } from './hosts-file.ts'

/** What a look-up came to. */
export type Resolution =
  | {
      readonly kind: 'found'
      readonly addresses: readonly string[] /** Of the record that ends first. */
      readonly ttlS?: number
    }
  /** The name exists and has no address of this family. */
  | { readonly kind: 'no_data' }
  | { readonly kind: 'no_name' }
  /** Nobody could tell now. */
  | { readonly kind: 'failed' }

/** Looks names up on behalf of agents and for dials, in the gateway's own view of the world. */
export interface Resolver {
  /** @param name lower case, without a trailing dot */
  resolve(name: string, family: 4 | 6): Promise<Resolution>
  /** The server other record types are asked of; null: none is known. */
  readonly server: Address | null
}

/** What the resolver is made of. */
export interface ResolverOptions {
  /** null: the servers of resolv.conf. */
  readonly server: Address | null
  readonly hosts?: (name: string) => readonly string[]
}

/** How long the gateway waits for its own server, ms: two tries. */
const tryMs = 1500
const keepMs = 30_000
const keepFailedMs = 1000
const maxKept = 8192
const maxAddresses = 16

/** A resolver over the system's servers and hosts file; what it finds is kept for half a minute at most. */
export function createResolver(options: ResolverOptions): Resolver {
  const cares = new CaresResolver({ timeout: tryMs, tries: 2 })
  if (options.server !== null) cares.setServers([serverText(options.server)])
  const hosts = options.hosts ?? hostsFile()
  const kept = new Map<string, { readonly until: number; readonly answer: Promise<Resolution> }>()
  const ask = async (name: string, family: 4 | 6): Promise<Resolution> => {
    try {
      const records = await (family === 4 ? cares.resolve4(name, { ttl: true }) : cares.resolve6(name, { ttl: true }))
      const kept = records.slice(0, maxAddresses)
      if (kept.length === 0) return { kind: 'no_data' }
      const ttlS = Math.min(...kept.map(({ ttl }) => ttl))
      return { kind: 'found', addresses: kept.map(({ address }) => address), ttlS }
    } catch (error) {
      return negative((error as NodeJS.ErrnoException).code)
    }
  }
  return {
    server: options.server ?? parseServer(cares.getServers()[0] ?? ''),
    resolve(name, family) {
      const local = hosts(name)
      if (local.length > 0) {
        const addresses = local.filter((address) => isIP(address) === family)
        return Promise.resolve(addresses.length > 0 ? { kind: 'found', addresses } : { kind: 'no_data' })
      }
      const key = `${family} ${name}`
      const now = performance.now()
      const known = kept.get(key)
      if (known !== undefined && known.until > now) return known.answer
      const answer = ask(name, family)
      kept.delete(key)
      kept.set(key, { until: now + keepMs, answer })
      const [oldest] = kept.size > maxKept ? kept.keys() : []
      if (oldest !== undefined) kept.delete(oldest)
      void answer.then(({ kind }) => {
        if (kind === 'failed' && kept.get(key)?.answer === answer) kept.set(key, { until: now + keepFailedMs, answer })
      })
      return answer
    },
  }
}

/** Takes `192.0.2.1`, `192.0.2.1:5353`, `2001:db8::1` or `[2001:db8::1]:5353` apart. */
export function parseServer(text: string): Address | null {
  const found = /^\[([^\]]+)\]:(\d+)$/.exec(text) ?? /^([^:]+):(\d+)$/.exec(text)
  const host = found?.[1] ?? text
  return isIP(host) === 0 ? null : { host, port: found?.[2] === undefined ? 53 : Number(found[2]) }
}

function serverText({ host, port }: Address): string {
  return isIP(host) === 6 ? `[${host}]:${port}` : `${host}:${port}`
}

function negative(code: string | undefined): Resolution {
  switch (code) {
    case 'ENODATA':
      return { kind: 'no_data' }
    case 'ENOTFOUND':
      return { kind: 'no_name' }
    default:
      return { kind: 'failed' }
  }
}
