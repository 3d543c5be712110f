import type { Flow, Route } from '../../workers/contract/flow.ts'
import type { Address, CredentialName, EndpointName } from '../../workers/contract/ids.ts'
import type { Endpoint, Profile } from '../../workers/contract/profile.ts'
import type { RateCounter } from '../../workers/contract/verdict.ts'
import { protocolNamed } from '../../workers/protocols/index.ts'
import { compileRules } from '../../workers/rules/compile.ts'
import { rateKey } from '../../workers/rules/rates.ts'
import { type HostIndex, hostIndex } from '../config/hosts.ts'

/** What one revision of a profile may be used for; every call of a worker is checked against it. */
export interface Grants {
  readonly profile: Profile
  /** The endpoint, when a worker serving this route may dial `to` for it. */
  dial(route: Inspect, endpoint: EndpointName, to: Address): Endpoint | null
  /** Whether a certificate for this name or address may be shown to this profile's devices. */
  certify(flow: Flow, serverName: string): boolean
  /** Whether the flow's endpoints use the credential. */
  use(route: Inspect, credential: CredentialName): boolean
  /** Whether rules of the flow's endpoints name all these counters. */
  count(route: Inspect, counters: readonly RateCounter[]): boolean
}

type Inspect = Extract<Route, { kind: 'inspect' }>

/** The grants of a profile. */
export function grantsOf(profile: Profile): Grants {
  const index = hostIndex(profile)
  const endpoints = new Map(profile.endpoints.map((endpoint) => [endpoint.name, endpoint]))
  const counters = new Map<EndpointName, ReadonlySet<string>>()
  return {
    profile,
    dial(route, name, to) {
      const endpoint = route.candidates.includes(name) ? endpoints.get(name) : undefined
      if (endpoint === undefined) return null
      return isOwn(index, endpoint, to) || isUpstream(endpoint, to) ? endpoint : null
    },
    certify(flow, serverName) {
      const name = serverName.toLowerCase()
      return name === flow.targetName || name === flow.target.host || index.owners(name).length > 0
    },
    use(route, credential) {
      return route.candidates.some((name) => endpoints.get(name)?.credentials.some((use) => use.name === credential))
    },
    count(route, asked) {
      const named = route.candidates.flatMap((name) => {
        const endpoint = endpoints.get(name)
        if (endpoint === undefined) return []
        const known = counters.get(name) ?? countersOf(endpoint)
        counters.set(name, known)
        return [known]
      })
      return asked.every((counter) => named.some((keys) => keys.has(rateKey(counter))))
    },
  }
}

/** Counters the rules of an endpoint name, by key; worked out when a worker first reads one. */
function countersOf({ rules, protocol }: Endpoint): ReadonlySet<string> {
  const naming = rules.filter(({ when }) => when?.includes('rate') === true)
  const { rates } = compileRules(naming, protocolNamed(protocol)?.families ?? [], 'deny')
  return new Set(rates.map(rateKey))
}

function isOwn(index: HostIndex, endpoint: Endpoint, to: Address): boolean {
  return index.find(to.host, to.port).includes(endpoint.name)
}

/** The address the endpoint's `upstream` setting names: every protocol that has the setting calls it so. */
function isUpstream(endpoint: Endpoint, to: Address): boolean {
  const named = upstreamOf(endpoint)
  return named !== null && named.host === to.host.toLowerCase() && named.port === to.port
}

/** `upstream = "host:port"` of an endpoint, taken apart; null when it has none. */
export function upstreamOf(endpoint: Endpoint): Address | null {
  const { settings } = endpoint
  if (typeof settings !== 'object' || settings === null || !('upstream' in settings)) return null
  const found = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(String(settings.upstream))
  const host = found?.[1] ?? found?.[2]
  return host === undefined ? null : { host: host.toLowerCase(), port: Number(found?.[3]) }
}
