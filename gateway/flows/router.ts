import type { Route } from '../../workers/contract/flow.ts'
import type { Address, EndpointName } from '../../workers/contract/ids.ts'
import type { ProfileView } from './identify.ts'

/** What is known of a flow that asks for its route. */
export interface RouteQuestion {
  /** Where the agent wanted to go; `host` is a canonical IP literal. */
  readonly target: Address
  /** Set when the target is a virtual address; `name` is what it stands for, null when for nothing. */
  readonly virtual: { readonly name: string | null } | null
  /** Name in the ClientHello; null: there is none; undefined: not looked at yet. */
  readonly serverName: string | null | undefined
}

/** A route and the host name it was found by. */
export interface Routed {
  readonly route: Route
  readonly targetName: string | null
}

/** The port on which unknown servers are asked for their name, since so many share an address. */
const namedPort = 443
const dnsPort = 53

/**
 * Decides what happens to a flow. Pure. A name in the ClientHello goes before the address, since it is what the
 * worker would serve; an address that an endpoint claims is inspected whatever name stands in the ClientHello.
 */
export function route(view: ProfileView, { target, virtual, serverName }: RouteQuestion): Routed {
  if (target.port === dnsPort) return { route: { kind: 'names' }, targetName: null }
  if (virtual !== null) return routeVirtual(view, target, virtual.name, serverName)
  if (target.port !== namedPort && !view.index.ports.has(target.port)) return unclaimed(view, target, null)
  if (serverName === undefined) return { route: { kind: 'peek' }, targetName: null }
  if (serverName !== null) {
    const byName = view.index.find(serverName, target.port)
    if (byName.length > 0) return inspect(byName, serverName)
  }
  const byAddress = view.index.find(target.host, target.port)
  if (byAddress.length > 0) return inspect(byAddress, serverName)
  return unclaimed(view, target, serverName)
}

function routeVirtual(
  view: ProfileView,
  target: Address,
  name: string | null,
  serverName: RouteQuestion['serverName'],
): Routed {
  if (name === null || view.index.owners(name).length === 0) {
    // another profile's name is none of this device's business
    return { route: { kind: 'refuse', because: 'the virtual address belongs to nothing' }, targetName: null }
  }
  const candidates = view.index.find(name, target.port)
  if (candidates.length === 0) return unclaimed(view, target, name)
  if (serverName === undefined) return { route: { kind: 'peek' }, targetName: name }
  if (serverName === null || serverName === name) return inspect(candidates, name)
  const byName = view.index.find(serverName, target.port)
  if (byName.length > 0) return inspect(byName, serverName)
  const because = `the ClientHello names ${serverName}, the address stands for ${name}`
  return { route: { kind: 'refuse', because }, targetName: name }
}

function inspect(candidates: readonly EndpointName[], targetName: string | null): Routed {
  return { route: { kind: 'inspect', candidates }, targetName }
}

function unclaimed({ profile }: ProfileView, target: Address, name: string | null): Routed {
  const to = { host: name ?? target.host, port: target.port }
  const because = `no endpoint claims ${to.host} on port ${to.port}`
  const kind = profile.unknownHost === 'splice' ? 'splice' : 'refuse'
  return { route: kind === 'splice' ? { kind, to, because } : { kind, because }, targetName: name }
}
