import type { ActionEvent } from '../../workers/contract/action.ts'
import type { Flow } from '../../workers/contract/flow.ts'
import type { Address, CredentialName, Fd, FlowId, ProfileName } from '../../workers/contract/ids.ts'
import type { Certificate, Secret } from '../../workers/contract/messages.ts'
import type { Endpoint, Profile } from '../../workers/contract/profile.ts'

/** What the pools need of the rest of the gateway. Calls arrive here already checked against the asking profile. */
export interface HostServices {
  /** The newest revision; null when the policy has no such profile. */
  profile(name: ProfileName): Profile | null
  /** Connects to the endpoint's upstream, after the destination policy; has its own deadline. */
  dial(profile: Profile, endpoint: Endpoint, to: Address): Promise<Fd>
  certificate(serverName: string): Promise<Certificate>
  secret(credential: CredentialName): Promise<Secret | null>
  /**
   * Resolves when the events are committed; stays pending while the record is behind.
   * @param withinMs how long they may be gathered with others before that
   */
  record(flow: Flow | null, events: readonly ActionEvent[], withinMs?: number): Promise<void>
  recorderHealthy(): boolean
}

/** Something in a worker that should not happen; for the log and for alarms. */
export interface PoolFault {
  readonly kind:
    | 'violation' /** it asked for what is not its profile's, or spoke nonsense */
    | 'stuck' /** it did not answer pings: ended */
    | 'bloated' /** it holds too much memory outside its heap: ended */
    | 'crashed' /** it ended by itself: an uncaught error, a full heap */
    | 'boot' /** it never became ready */
  readonly profile: ProfileName
  readonly thread: number
  readonly flow: FlowId | null
  readonly message: string
}
