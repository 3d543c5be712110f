import { credentialNamed } from '../../workers/credentials/index.ts'
import { protocolNamed } from '../../workers/protocols/index.ts'
import { tunnelNamed } from '../tunnels/index.ts'
import type { Declarations, Declared } from './declare.ts'
import type { Report } from './diagnostics.ts'
import type { Policy } from './policy.ts'

/**
 * Reports everything a gateway would need to run this policy and does not have yet: the types that a profile reaches,
 * and plugins. Approvers are left out: what needs one is denied.
 */
export function reportUnserved(
  report: Report,
  policy: Pick<Policy, 'profiles' | 'tunnels'>,
  { all }: Declarations,
): void {
  const told = new Set<Declared>()
  const refuse = (declared: Declared | undefined) => {
    if (declared === undefined || told.has(declared)) return
    told.add(declared)
    const { kind, name, type, spot } = declared
    report.error(spot, `${kind} ${JSON.stringify(name)} is of type ${type}, which this version cannot serve yet`)
  }
  for (const { endpoints } of policy.profiles.values()) {
    for (const endpoint of endpoints) {
      if (protocolNamed(endpoint.protocol)?.isServed !== true) refuse(all.endpoint.get(endpoint.name))
      for (const { name, type } of endpoint.credentials)
        if (credentialNamed(type)?.isServed !== true) refuse(all.credential.get(name))
      const passed = new Set<string>()
      for (let via = endpoint.via; via !== null && !passed.has(via); via = policy.tunnels.get(via)?.via ?? null) {
        passed.add(via)
        if (tunnelNamed(policy.tunnels.get(via)?.type ?? '')?.isServed !== true) refuse(all.tunnel.get(via))
      }
    }
  }
  for (const { name, spot } of all.plugin.values())
    report.error(spot, `plugin ${JSON.stringify(name)} cannot be run by this version yet`)
}
