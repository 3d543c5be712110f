import type { Route } from '../../workers/contract/flow.ts'
import type { Address, EndpointName } from '../../workers/contract/ids.ts'
import type { Located } from './address-book.ts'
import { addressesIn } from './destination.ts'
import type { ProfileView } from './identify.ts'

/** What is known of a flow that asks for its route. */
export interface RouteQuestion {
  /** Where the agent wanted to go; `host` is a canonical IP literal. */
  readonly target: Address
  /** Set when the target is a virtual address; `name` is what it stands for, null when for nothing. */
  readonly virtual: { readonly name: string | null } | null
  readonly located: Located
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
 * Decides what happens to a flow. Pure. Where the protocol begins in a way of its own, the address alone decides. A
 * name in the ClientHello goes before the address, since it is what the worker would serve; an address that an endpoint
 * claims is inspected whatever name stands in the ClientHello.
 */
export function route(view: ProfileView, question: RouteQuestion): Routed {
  const { target, virtual, serverName } = question
  if (target.port === dnsPort) return { route: { kind: 'names' }, targetName: null }
  if (virtual !== null) return routeVirtual(view, target, virtual.name, serverName)
  const silent = routeSilent(view, question)
  if (silent !== null) return silent
  if (target.port !== namedPort && !view.index.ports.has(target.port)) return unnamed(view, question)
  if (serverName === undefined) return { route: { kind: 'peek' }, targetName: null }
  if (serverName !== null) {
    const byName = view.index.find(serverName, target.port)
    if (byName.length > 0) return inspect(byName, serverName)
  }
  const byAddress = declaredAt(view, target)
  if (byAddress.length > 0) return inspect(byAddress, serverName)
  return serverName === null ? unnamed(view, question) : unclaimed(view, target, serverName)
}

/**
 * What claims an address for a protocol that begins in a way of its own: the endpoint that declares it, else the one
 * whose server has it. Null: nothing does.
 */
function routeSilent(view: ProfileView, { target, located }: RouteQuestion): Routed | null {
  const declared = declaredAt(view, target)
  if (declared.length > 0) return isSilent(view, declared) ? inspect(declared, null) : null
  const there = locatedAt(view, target, located)
  const [name] = there
  if (name === undefined) return null
  if (there.length === 1) return inspect(view.index.find(name, target.port), null)
  // each has rules of its own, and nothing tells which is meant
  const because = `${target.host} on port ${target.port} is where ${there.join(' and ')} are: connect by name`
  return { route: { kind: 'refuse', because }, targetName: null }
}

/** What endpoints of the profile say an address is: nothing may go there past them, whatever it was called. */
export function claimsAt(view: ProfileView, address: Address, located: Located): readonly string[] {
  return [...declaredAt(view, address), ...locatedAt(view, address, located)]
}

function declaredAt({ index }: ProfileView, { host, port }: Address): readonly EndpointName[] {
  return addressesIn(host).flatMap((address) => index.find(address, port))
}

function locatedAt({ index }: ProfileView, { port }: Address, { names }: Located): readonly string[] {
  return (index.located.get(port) ?? []).filter((name) => names.includes(name))
}

function isSilent({ index }: ProfileView, candidates: readonly EndpointName[]): boolean {
  return candidates.some((name) => index.silent.has(name))
}

/** A flow to an address with nothing else known of it: it could lead to a host that is inspected. */
function unnamed(view: ProfileView, { target, located }: RouteQuestion): Routed {
  const hidden = view.index.located.get(target.port)?.find((name) => located.unknown.has(name))
  if (hidden === undefined || view.profile.unknownHost !== 'splice') return unclaimed(view, target, null)
  const because = `${target.host} could be ${hidden}, which cannot be looked up now: connect by name`
  return { route: { kind: 'refuse', because }, targetName: null }
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
  if (isSilent(view, candidates)) return inspect(candidates, name)
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
