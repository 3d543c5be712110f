import type { PushedVariable } from '../../onboard/protocol.ts'
import type { Profile } from '../../workers/contract/profile.ts'

/**
 * The variables a profile's agents find in their environment: what to send where a secret is wanted.
 * `CLAWPATROL_<CREDENTIAL>` for every credential that is picked by a placeholder; never a secret.
 */
export function placeholderVariables(profile: Profile | null): readonly PushedVariable[] {
  const found = new Map<string, PushedVariable>()
  for (const endpoint of profile?.endpoints ?? []) {
    for (const { name, type, disambiguator } of endpoint.credentials) {
      const value = disambiguator.placeholder
      if (value === undefined) continue
      const variable = `CLAWPATROL_${name.toUpperCase().replace(/[^A-Z0-9]/g, '_')}`
      if (found.has(variable)) continue
      const description = `stands for the secret of ${name} at ${endpoint.name}`
      found.set(variable, { name: variable, value, description, plugin_type: type })
    }
  }
  return [...found.values()]
}
