import { availableParallelism } from 'node:os'
import type { EndpointName, ProfileName } from '../../workers/contract/ids.ts'
import type { Endpoint, Limits, Profile, Rule } from '../../workers/contract/profile.ts'
import { approversOf, type CompiledApprover } from './approvers.ts'
import { checkAsyncGrants } from './async-grants.ts'
import type { CompiledCredential } from './credentials.ts'
import type { CompiledDefaults } from './defaults-block.ts'
import { type Report, topOfFiles } from './diagnostics.ts'
import { checkDispatch, checkHosts } from './dispatch-checks.ts'
import type { CompiledEndpoint } from './endpoints.ts'
import { type CompiledPlugin, checkReadPaths } from './plugins.ts'
import type { DeclaredCredential, DeclaredEndpoint, DefaultSettings, GatewaySettings, Policy } from './policy.ts'
import type { CompiledProfile, ProfileEntry } from './profiles.ts'
import { checkCounters } from './rate-counters.ts'
import { checkRules, orderRules } from './rule-order.ts'
import type { CompiledRule } from './rules.ts'
import type { CompiledTunnel } from './tunnels.ts'

/** Every block decoded, wrong ones left out. */
export interface Decoded {
  readonly revision: string
  readonly schemaVersion: number
  readonly gateway: GatewaySettings | null
  readonly defaults: CompiledDefaults | null
  /** In the order they are declared, like the others. */
  readonly endpoints: ReadonlyMap<string, CompiledEndpoint>
  readonly credentials: ReadonlyMap<string, CompiledCredential>
  readonly approvers: readonly CompiledApprover[]
  readonly tunnels: readonly CompiledTunnel[]
  readonly rules: readonly CompiledRule[]
  readonly profiles: readonly CompiledProfile[]
  readonly plugins: readonly CompiledPlugin[]
}

/** Checks blocks against each other and builds what each profile may reach; null when there was any error. */
export function compile(report: Report, decoded: Decoded): Omit<Policy, 'files'> | null {
  const reached = new Set<string>()
  const byProfile = decoded.profiles.map((profile) => {
    const byEndpoint = groupByEndpoint(profile, decoded.endpoints)
    checkDispatch(report, profile, byEndpoint)
    const endpoints = [...decoded.endpoints.values()].filter(({ name }) => byEndpoint.has(name))
    checkHosts(report, profile, endpoints)
    for (const { name } of endpoints) reached.add(name)
    return { profile, byEndpoint, endpoints }
  })
  const rules = orderRules(decoded.rules)
  checkRules(report, decoded.credentials, decoded.rules, rules)
  checkAsyncGrants(report, decoded)
  const { gateway, revision, schemaVersion } = decoded
  if (!report.hasErrors()) checkCounters(report, decoded.endpoints.values(), decoded.rules, rules)
  if (gateway !== null) checkReadPaths(report, decoded.plugins, gateway)
  if (!report.hasErrors()) {
    warnUnreached(report, decoded, reached)
    warnOfNoDenial(report, decoded, rules)
  }
  if (report.hasErrors() || gateway === null || decoded.defaults === null) return null
  const { settings: defaults, approvals } = decoded.defaults
  const profiles = new Map<ProfileName, Profile>()
  for (const { profile, byEndpoint, endpoints } of byProfile) {
    profiles.set(profile.name, {
      name: profile.name,
      revision,
      endpoints: endpoints.map((endpoint) => ({
        name: endpoint.name,
        protocol: endpoint.protocol,
        hosts: endpoint.hosts,
        settings: withHosts(endpoint),
        credentials: (byEndpoint.get(endpoint.name) ?? []).map(useOf),
        rules: rules.get(endpoint.name) ?? [],
        unmatched: endpoint.unmatched ?? defaults.unmatched,
        via: endpoint.via,
      })),
      unknownHost: defaults.unknownHost,
      limits: limitsOf(gateway),
    })
  }
  const names = [...profiles.keys()]
  return {
    revision,
    schemaVersion,
    gateway,
    defaults,
    profiles,
    deviceDefaultProfile: names.find((name) => name === 'default') ?? names[0] ?? null,
    endpoints: [...decoded.endpoints.values()].map((each) => declaredEndpoint(each, defaults)),
    credentials: [...decoded.credentials.values()].map(declaredCredential),
    disabledRules: decoded.rules
      .filter(({ isDisabled }) => isDisabled)
      .map(({ rule, endpoints }) => ({
        name: rule.name,
        endpoints: endpoints.map(({ name }) => name as EndpointName),
      })),
    approvals: {
      ...approvals,
      asyncProfiles: decoded.profiles.filter((each) => each.wantsAsync).map(({ name }) => name),
    },
    approvers: approversOf(decoded.approvers, approvals),
    tunnels: new Map(decoded.tunnels.map(({ declared: _, definition: __, ...tunnel }) => [tunnel.name, tunnel])),
    plugins: decoded.plugins.map(({ declared: _, ...plugin }) => plugin),
  }
}

function groupByEndpoint(
  profile: CompiledProfile,
  endpoints: ReadonlyMap<string, CompiledEndpoint>,
): Map<string, ProfileEntry[]> {
  const grouped = new Map<string, ProfileEntry[]>()
  for (const entry of profile.entries) {
    for (const { name } of entry.credential.endpoints) {
      if (!endpoints.has(name)) continue
      const entries = grouped.get(name)
      if (entries === undefined) grouped.set(name, [entry])
      else entries.push(entry)
    }
  }
  return grouped
}

function useOf({ credential, disambiguator }: ProfileEntry): Endpoint['credentials'][number] {
  return { name: credential.name, type: credential.definition.type, settings: credential.settings, disambiguator }
}

/** Settings with the host entries as they are matched: canonical. */
function withHosts({ settings, hosts }: CompiledEndpoint): unknown {
  return typeof settings === 'object' && settings !== null && 'hosts' in settings ? { ...settings, hosts } : settings
}

function limitsOf({ inspectBytes, sampleBytes }: GatewaySettings): Limits {
  return {
    inspectBytes,
    sampleBytes,
    flowsPerThread: 8192,
    threads: Math.max(1, Math.min(4, availableParallelism())),
    heapMb: 256,
    idleMs: 300_000,
  }
}

function declaredEndpoint(endpoint: CompiledEndpoint, defaults: DefaultSettings): DeclaredEndpoint {
  const { name, protocol, hosts, settings, description, retentionMs, via } = endpoint
  return {
    name,
    protocol,
    hosts,
    settings,
    description,
    retentionMs,
    unmatched: endpoint.unmatched ?? defaults.unmatched,
    via,
  }
}

function declaredCredential({ name, definition, endpoints, description }: CompiledCredential): DeclaredCredential {
  return {
    name,
    type: definition.type,
    endpoints: endpoints.map((endpoint) => endpoint.name as DeclaredEndpoint['name']),
    description,
    slots: definition.slots.map((slot) => slot.name),
  }
}

function warnUnreached(report: Report, decoded: Decoded, reached: ReadonlySet<string>): void {
  if (decoded.profiles.length === 0) report.warn(topOfFiles, 'no profile is declared: no device can reach an endpoint')
  for (const { name, declared } of decoded.endpoints.values()) {
    if (reached.has(name) || decoded.profiles.length === 0) continue
    report.warn(
      declared.spot,
      `endpoint ${JSON.stringify(name)} is reachable from no profile: its traffic is not inspected and its rules never run`,
      { hint: 'bind a credential to it (passthrough when it needs none) and list that in a profile' },
    )
  }
}

/** Rules are written to keep something from happening: says where they do not. */
function warnOfNoDenial(report: Report, decoded: Decoded, ordered: ReadonlyMap<string, readonly Rule[]>): void {
  for (const { name, unmatched, declared } of decoded.endpoints.values()) {
    const rules = ordered.get(name) ?? []
    if ((unmatched ?? decoded.defaults?.settings.unmatched) !== 'allow' || rules.length === 0) continue
    if (rules.some(({ mode, outcome }) => mode === 'enforce' && outcome.do !== 'allow')) continue
    const isTrial = rules.some(({ outcome }) => outcome.do !== 'allow')
    report.warn(
      declared.spot,
      `endpoint ${JSON.stringify(name)} denies nothing: ${isTrial ? 'what its rules deny is in shadow mode' : 'all its rules allow'}, and so does what happens where none matches`,
      { hint: 'write unmatched = "deny" in it or in defaults, or a rule that denies' },
    )
  }
}
