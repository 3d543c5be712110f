import type { ProfileName } from '../workers/contract/ids.ts'
import type { Profile } from '../workers/contract/profile.ts'
import type { Policy } from './config/policy.ts'
import type { AddressBook } from './flows/address-book.ts'
import { type DestinationPolicy, destinationPolicy, localAddresses } from './flows/destination.ts'
import type { VirtualNames } from './flows/names.ts'
import { ProfileViews } from './flows/profile-views.ts'

/** The policy in force and everything derived from it; replaced as a whole. */
export class CurrentPolicy {
  readonly views = new ProfileViews()
  readonly #names: VirtualNames
  readonly #addresses: Pick<AddressBook, 'update'>
  readonly #local = localAddresses()
  #policy: Policy
  #destinations: DestinationPolicy

  constructor(policy: Policy, names: VirtualNames, addresses: Pick<AddressBook, 'update'>) {
    this.#names = names
    this.#addresses = addresses
    this.#policy = policy
    this.#destinations = this.#derive()
  }

  get policy(): Policy {
    return this.#policy
  }

  /** Which addresses agents may be connected to now. */
  readonly destinations: DestinationPolicy = {
    unclaimed: (address) => this.#destinations.unclaimed(address),
    configured: (address) => this.#destinations.configured(address),
  }

  profile(name: ProfileName): Profile | null {
    return this.#policy.profiles.get(name) ?? null
  }

  /** The profile of a device, null standing for the default one. */
  profileOr(name: ProfileName | null): Profile | null {
    const found = name ?? this.#policy.deviceDefaultProfile
    return found === null ? null : this.profile(found)
  }

  /** Secret slots a credential of this name needs; null: there is no such credential. */
  slotsOf(name: string): readonly string[] | null {
    return this.#policy.credentials.find((credential) => credential.name === name)?.slots ?? null
  }

  replace(policy: Policy): void {
    this.#policy = policy
    this.#destinations = this.#derive()
  }

  #derive(): DestinationPolicy {
    const hosts = this.views.update(this.#policy.profiles.values())
    this.#names.update(hosts)
    this.#addresses.update(hosts.located)
    return destinationPolicy({ allow: this.#policy.gateway.relayAllow, local: this.#local })
  }
}
