import type { Report } from './diagnostics.ts'
import type { CompiledEndpoint } from './endpoints.ts'
import type { CompiledProfile, ProfileEntry } from './profiles.ts'

/** Reports what would leave a profile's choice of credential undecided, or a way of choosing that never matters. */
export function checkDispatch(
  report: Report,
  profile: CompiledProfile,
  byEndpoint: ReadonlyMap<string, readonly ProfileEntry[]>,
): void {
  const told = new Set<ProfileEntry>()
  for (const [endpoint, entries] of byEndpoint) {
    const bySignature = new Map<string, ProfileEntry>()
    for (const entry of entries) {
      const signature = signatureOf(entry)
      const first = bySignature.get(signature)
      if (first === undefined) bySignature.set(signature, entry)
      else if (!told.has(entry)) {
        told.add(entry)
        clash(report, { profile, endpoint, first, entry })
      }
    }
  }
  for (const entry of profile.entries) {
    const isAlone = entry.credential.endpoints.every(({ name }) => (byEndpoint.get(name)?.length ?? 0) < 2)
    if (!entry.isInline || !isAlone || told.has(entry)) continue
    const { name } = entry.credential
    report.error(
      entry.spot,
      `credential ${JSON.stringify(name)} is alone on its endpoints in profile ${JSON.stringify(profile.name)}: what picks it has no effect`,
      { hint: 'list the credential without an object around it' },
    )
  }
}

/** Reports hosts that two endpoints of one profile claim. */
export function checkHosts(report: Report, profile: CompiledProfile, endpoints: readonly CompiledEndpoint[]): void {
  const owners = new Map<string, { endpoint: CompiledEndpoint; at: CompiledEndpoint['entries'][number]['at'] }>()
  for (const endpoint of endpoints) {
    for (const { entry, at } of endpoint.entries) {
      const key = `${entry.kind} ${entry.host} ${entry.port ?? endpoint.definition.defaultPort}`
      const first = owners.get(key)
      if (first === undefined) owners.set(key, { endpoint, at })
      else if (first.endpoint !== endpoint) {
        const shown = entry.kind === 'wildcard' ? `*.${entry.host}` : entry.host
        const names = [first.endpoint.name, endpoint.name].map((name) => JSON.stringify(name)).join(' and ')
        report.error(
          { file: endpoint.declared.file, span: at },
          `endpoints ${names} of profile ${JSON.stringify(profile.name)} both claim the host ${shown}`,
          {
            related: [
              { message: 'the other claim is here', spot: { file: first.endpoint.declared.file, span: first.at } },
              { message: 'both are reachable from this profile', spot: profile.declared.spot },
            ],
          },
        )
      }
    }
  }
}

interface Clash {
  readonly profile: CompiledProfile
  readonly endpoint: string
  readonly first: ProfileEntry
  readonly entry: ProfileEntry
}

function clash(report: Report, { profile, endpoint, first, entry }: Clash): void {
  const [a, b] = [first.credential.name, entry.credential.name].map((name) => JSON.stringify(name))
  const where = `on endpoint ${JSON.stringify(endpoint)} in profile ${JSON.stringify(profile.name)}`
  const fields = Object.entries(entry.disambiguator)
  const related = [{ message: 'the other one is listed here', spot: first.spot }]
  if (fields.length === 0) {
    const what = a === b ? `credential ${a} is listed twice` : `credentials ${a} and ${b} are both the fallback`
    const { disambiguators } = entry.credential.definition
    const hint = disambiguators.length === 0 ? undefined : `give one of them a ${disambiguators.join(' or ')}`
    report.error(entry.spot, `${what} ${where}: nothing would choose between them`, { hint, related })
    return
  }
  const shown = fields.map(([field, value]) => `${field} = ${JSON.stringify(value)}`).join(', ')
  report.error(entry.spot, `credentials ${a} and ${b} ${where} have the same ${shown}`, { related })
}

function signatureOf({ disambiguator }: ProfileEntry): string {
  return JSON.stringify(Object.entries(disambiguator).sort(([a], [b]) => (a < b ? -1 : 1)))
}
