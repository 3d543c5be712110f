import type { Fact, Facts, Sample, Unknown } from '../../contract/action.ts'
import type { DescribedAction } from '../../contract/described.ts'
import type { ClawError } from '../../contract/errors.ts'
import type { Secret } from '../../contract/messages.ts'
import type { Closing, Seen, Session } from '../../contract/plugin.ts'
import type { CredentialUse, Endpoint } from '../../contract/profile.ts'
import type { Exchange } from '../../wire/http/exchange.ts'
import type { Problem } from '../../wire/http/problem.ts'
import type { ResponseHead } from '../../wire/http/response-head.ts'
import type { OutgoingRequest } from '../../wire/http/upstream-call.ts'
import type { OriginPool } from '../pool.ts'

/** Settings every endpoint behind HTTP has. */
export interface HttpSettings {
  readonly hosts: readonly string[]
  /** host:port to dial instead. */
  readonly upstream?: string | undefined
  /** false: neither the agent nor the upstream is spoken to through TLS. */
  readonly tls?: boolean | undefined
  /** PEM roots instead of the public ones. */
  readonly ca_cert?: string | undefined
}

/** One agent's connection. */
export interface Agent {
  readonly session: Session<HttpSettings>
  /** Requested host, lower case, and port. */
  readonly host: string
  readonly port: number
  readonly scheme: 'https' | 'http'
  /** Host and port as they go upstream. */
  readonly authority: string
  readonly pool: OriginPool
}

/** How an action is shown. */
export interface Shown {
  readonly title: string
  readonly record: { readonly [name: string]: Fact }
}

/** What a request is inspected for. */
export interface InspectedBy {
  /** null: it is gone. */
  readonly endpoint: Endpoint | null
  /** The credential that was chosen. */
  readonly use: CredentialUse | null
}

/** What rules are told of a request. */
export type InspectedRequest =
  | Inspected
  /** It broke off before it could be judged. */
  | { readonly kind: 'broken'; readonly error: ClawError | null }

/** A request that can be judged. */
export type Inspected = Partial<Shown> & {
  readonly kind: 'inspected'
  readonly facts: Facts
  readonly unknowns: readonly Unknown[]
  readonly described: () => DescribedAction
  /** Why it cannot be sent whatever the rules say. */
  readonly obstacle?: Seen['obstacle']
  /** What goes out instead of the request as it came, before a credential is put in. */
  readonly outgoing?: (request: OutgoingRequest) => OutgoingRequest
  /** What of the sample of its body may be recorded. */
  readonly sample?: (sample: Sample) => Sample | null
}

/** What a protocol over HTTP makes of its requests; the rest is the same for all. */
export interface HttpService {
  /** Port a host entry without one stands for. */
  readonly defaultPort: number
  /** false: servers of the protocol do not read trailers, and would take them for another request. */
  readonly takesTrailers?: boolean
  /** What is known of a request by its head alone. */
  show(agent: Agent, exchange: Exchange): Shown
  /** The credential the agent means; null: none, or it cannot be told which. */
  choose(endpoint: Endpoint, exchange: Exchange): CredentialUse | null
  /** Waits for as much of the request as rules may look at. */
  inspect(agent: Agent, exchange: Exchange, by: InspectedBy): Promise<InspectedRequest>
  /**
   * Puts a credential into the request that goes out.
   * @throws ClawError CP_SECRET when it cannot be sent as it is
   */
  fill(request: OutgoingRequest, use: CredentialUse, secret: Secret): OutgoingRequest
  /** How an answer is recorded, where that is not by its status alone. */
  outcomeOf?(head: ResponseHead): Pick<Closing, 'status' | 'result'>
  /** Answers instead of the upstream. */
  answer(exchange: Exchange, problem: Problem): void
}
