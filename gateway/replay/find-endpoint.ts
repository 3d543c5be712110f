import type { DescribedAction } from '../../workers/contract/described.ts'
import { ClawError } from '../../workers/contract/errors.ts'
import type { EndpointName } from '../../workers/contract/ids.ts'
import type { Endpoint, Profile } from '../../workers/contract/profile.ts'
import { protocolNamed } from '../../workers/protocols/index.ts'
import { type HostIndex, hostIndex } from '../config/hosts.ts'
import type { Policy } from '../config/policy.ts'

/** Where a described action goes. */
export type Destination =
  | { readonly kind: 'endpoint'; readonly profile: Profile; readonly endpoint: Endpoint }
  /** No endpoint claims its host: nothing judges it. */
  | { readonly kind: 'unclaimed'; readonly host: string; readonly unknownHost: Profile['unknownHost'] }

/** Blocks of a description that tell what kind of action it is. */
export const familyBlocks = ['http', 'k8s', 'sql', 'ssh'] as const
type FamilyBlock = (typeof familyBlocks)[number]

/**
 * Finds the endpoint a described action would reach: the pinned one, else the one that claims its host in the given
 * profile, or in any.
 * @param pin `<type>.<name>`
 * @throws ClawError CP_CONFIG when there is none it can mean, or several
 */
export function findEndpoint(policy: Policy, described: DescribedAction, pin: string | null): Destination {
  const profiles = profilesOf(policy, described.profile)
  const found = pin === null ? byHost(profiles, described) : pinned(policy, profiles, pin)
  if (found.kind === 'endpoint') checkFamily(found.endpoint, described)
  return found
}

/** `<type>.<name>` of an endpoint. */
export function endpointLabel({ protocol, name }: Pick<Endpoint, 'protocol' | 'name'>): string {
  return `${protocol}.${name}`
}

/** The block that tells its family: `k8s` and `sql` before the `http` they are made with. */
export function blockOf(described: DescribedAction): FamilyBlock {
  const blocks = familyBlocks.filter((block) => described[block] !== undefined)
  const [block, more] = blocks
  if (block === undefined) throw new ClawError('CP_CONFIG', 'action: one of http, k8s, sql and ssh is missing')
  if (more === undefined) return block
  if (blocks.length === 2 && block === 'http' && (more === 'k8s' || more === 'sql')) return more
  throw new ClawError('CP_CONFIG', `action: ${blocks.join(' and ')} cannot stand together`)
}

function profilesOf(policy: Policy, name: string | undefined): readonly Profile[] {
  const all = [...policy.profiles.values()]
  if (name === undefined) return all
  const named = all.filter((profile) => profile.name === name)
  if (named.length === 0)
    throw new ClawError('CP_CONFIG', `action.profile: there is no profile ${JSON.stringify(name)}`)
  return named
}

function pinned(policy: Policy, profiles: readonly Profile[], pin: string): Destination {
  const [, type, name] = /^([^.]+)\.(.+)$/.exec(pin) ?? []
  if (type === undefined || name === undefined)
    throw new ClawError('CP_CONFIG', `match.endpoint: ${JSON.stringify(pin)} is not <type>.<name>`)
  const declared = policy.endpoints.find((endpoint) => endpoint.name === name)
  if (declared === undefined)
    throw new ClawError('CP_CONFIG', `match.endpoint: there is no endpoint ${JSON.stringify(name)}`)
  if (declared.protocol !== type)
    throw new ClawError(
      'CP_CONFIG',
      `match.endpoint: endpoint ${JSON.stringify(name)} is of type ${declared.protocol}, not ${type}`,
    )
  return reached(profiles, declared.name)
}

/** The endpoint as the first profile has it that reaches it. */
function reached(profiles: readonly Profile[], name: EndpointName): Destination {
  for (const profile of profiles) {
    const endpoint = profile.endpoints.find((each) => each.name === name)
    if (endpoint !== undefined) return { kind: 'endpoint', profile, endpoint }
  }
  const [only, other] = profiles
  const where = only !== undefined && other === undefined ? `profile ${JSON.stringify(only.name)}` : 'any profile'
  throw new ClawError(
    'CP_CONFIG',
    `endpoint ${JSON.stringify(name)} is not reachable from ${where}: its rules never run`,
  )
}

function byHost(profiles: readonly Profile[], described: DescribedAction): Destination {
  const { host } = described
  if (host === undefined || host === '')
    throw new ClawError('CP_CONFIG', 'neither match.endpoint nor action.host says which endpoint is meant', {
      hint: 'name the endpoint as <type>.<name>, or the host the action goes to',
    })
  const block = blockOf(described)
  const claims = profiles.flatMap((profile) =>
    claimants(profile, host, block).flatMap((name) => profile.endpoints.filter((endpoint) => endpoint.name === name)),
  )
  const distinct = [...new Map(claims.map((endpoint) => [endpoint.name, endpoint])).values()]
  const fitting = distinct.filter((endpoint) => fits(endpoint, described))
  const candidates = fitting.length === 0 ? distinct : fitting
  const [only] = candidates
  if (only === undefined) {
    const isDenied = profiles.some(({ unknownHost }) => unknownHost === 'deny')
    return { kind: 'unclaimed', host, unknownHost: isDenied ? 'deny' : 'splice' }
  }
  if (candidates.length > 1) {
    const labels = candidates.map(endpointLabel).sort().join(', ')
    throw new ClawError(
      'CP_CONFIG',
      `action.host: ${JSON.stringify(host)} is claimed by several endpoints: ${labels}`,
      {
        hint: 'name one in match.endpoint, or give action.profile',
      },
    )
  }
  return reached(profiles, only.name)
}

/** Connections of these families are only looked at on the ports that are declared; others have an address of their own. */
const byPort: ReadonlySet<string> = new Set(['http', 'k8s'])

function claimants(profile: Profile, host: string, block: FamilyBlock): readonly EndpointName[] {
  const index = indexOf(profile)
  const [, name = host, port] = /^(\[[^\]]+\]|[^:]+)(?::(\d+))?$/.exec(host) ?? []
  if (port === undefined) return index.owners(name)
  const found = index.find(name, Number(port))
  return found.length > 0 || byPort.has(block) ? found : index.owners(name)
}

const indexes = new WeakMap<Profile, HostIndex>()

function indexOf(profile: Profile): HostIndex {
  const index = indexes.get(profile) ?? hostIndex(profile)
  indexes.set(profile, index)
  return index
}

function familyOf(endpoint: Endpoint): string {
  return protocolNamed(endpoint.protocol)?.families[0]?.name ?? ''
}

/** A Kubernetes call may also be described by the request it is made with. */
function fits(endpoint: Endpoint, described: DescribedAction): boolean {
  const family = familyOf(endpoint)
  const block = blockOf(described)
  if (block === 'sql' && described.http !== undefined && !hasFamily(endpoint, 'http')) return false
  return block === family || (family === 'k8s' && block === 'http')
}

function hasFamily({ protocol }: Endpoint, name: string): boolean {
  return protocolNamed(protocol)?.families.some((family) => family.name === name) ?? false
}

function checkFamily(endpoint: Endpoint, described: DescribedAction): void {
  if (fits(endpoint, described)) return
  const message = `endpoint ${JSON.stringify(endpoint.name)} is family ${JSON.stringify(familyOf(endpoint))} but fixture has ${blockOf(described)} block`
  throw new ClawError('CP_CONFIG', message)
}
