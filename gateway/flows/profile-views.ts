import type { ProfileName } from '../../workers/contract/ids.ts'
import type { Profile } from '../../workers/contract/profile.ts'
import { hostIndex } from '../config/hosts.ts'
import type { ProfileLookup, ProfileView } from './identify.ts'
import type { NamedHosts } from './names.ts'

/** The profiles of the newest policy with their look-ups. */
export class ProfileViews implements ProfileLookup {
  #views: ReadonlyMap<ProfileName, ProfileView> = new Map()

  view(name: ProfileName): ProfileView | null {
    return this.#views.get(name) ?? null
  }

  /**
   * Takes over what the policy says now. A profile that did not change keeps its look-up.
   * @returns every name that needs virtual addresses, and those whose real addresses are claimed as well
   */
  update(profiles: Iterable<Profile>): NamedHosts & { readonly located: readonly string[] } {
    const views = new Map<ProfileName, ProfileView>()
    const names = new Set<string>()
    const suffixes = new Set<string>()
    const located = new Set<string>()
    for (const profile of profiles) {
      const before = this.#views.get(profile.name)
      const index = before?.profile.revision === profile.revision ? before.index : hostIndex(profile)
      views.set(profile.name, { profile, index })
      for (const name of index.names) names.add(name)
      for (const suffix of index.suffixes) suffixes.add(suffix)
      for (const name of [...index.located.values()].flat()) located.add(name)
    }
    this.#views = views
    return { names: [...names], suffixes: [...suffixes], located: [...located] }
  }
}
