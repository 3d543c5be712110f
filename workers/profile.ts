import type { EndpointName } from './contract/ids.ts'
import type { Endpoint, Profile } from './contract/profile.ts'
import type { HostLink } from './host.ts'
import { protocolNamed } from './protocols/index.ts'
import { compileRules, type RuleSet } from './rules/compile.ts'

/** The one profile this thread serves, in its newest revision; rules are compiled once per revision and endpoint. */
export class CurrentProfile {
  readonly #host: HostLink
  #profile: Profile | null = null
  #endpoints = new Map<EndpointName, Endpoint>()
  #rules = new Map<EndpointName, RuleSet>()
  #asking: Promise<Profile> | null = null

  constructor(host: HostLink) {
    this.#host = host
    host.onProfile = (profile) => this.#swap(profile)
  }

  /**
   * The profile, asked of main when another revision than the held one is wanted. What main answers is the newest,
   * even where it is newer than the wanted one.
   */
  async at(revision: string): Promise<Profile> {
    if (this.#profile !== null && this.#profile.revision === revision) return this.#profile
    this.#asking ??= this.#host.call('profile', null, {}).finally(() => {
      this.#asking = null
    })
    const profile = await this.#asking
    if (profile.revision !== this.#profile?.revision) this.#swap(profile)
    return profile
  }

  /** The endpoint in the newest revision; null once it is gone. */
  endpoint(name: EndpointName): Endpoint | null {
    return this.#endpoints.get(name) ?? null
  }

  /**
   * The endpoint's rules, compiled.
   * @throws ClawError CP_CONFIG when a rule does not compile: the caller denies
   */
  rules(endpoint: Endpoint): RuleSet {
    const known = this.#rules.get(endpoint.name)
    if (known !== undefined) return known
    const compiled = compileRules(endpoint.rules, protocolNamed(endpoint.protocol)?.families ?? [], endpoint.unmatched)
    // an endpoint of an older revision must not leave its rules behind
    if (this.#endpoints.get(endpoint.name) === endpoint) this.#rules.set(endpoint.name, compiled)
    return compiled
  }

  #swap(profile: Profile): void {
    this.#profile = profile
    this.#endpoints = new Map(profile.endpoints.map((endpoint) => [endpoint.name, endpoint]))
    this.#rules = new Map()
  }
}
