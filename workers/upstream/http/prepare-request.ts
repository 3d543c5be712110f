import { ClawError } from '../../contract/errors.ts'
import type { Secret } from '../../contract/messages.ts'
import type { Seen } from '../../contract/plugin.ts'
import type { CredentialUse } from '../../contract/profile.ts'
import type { Deny, FailsafeCause } from '../../contract/verdict.ts'
import { splitAuthority } from '../../wire/http/agent-host.ts'
import type { Exchange } from '../../wire/http/exchange.ts'
import { narrowCodings, requestFields, requestTrailers, upgradeOf } from '../../wire/http/filter-headers.ts'
import { HeaderList } from '../../wire/http/header-list.ts'
import type { OutgoingRequest } from '../../wire/http/upstream-call.ts'
import { needsSecret, tlsMaterial } from '../inject.ts'
import type { Origin } from '../origin.ts'
import type { Agent, HttpService, Inspected } from './http-service.ts'

/** Why a request cannot be sent whatever the rules say. */
type Obstacle = NonNullable<Seen['obstacle']>

/** What an allowed request goes out as, or why it does not. */
export type PreparedRequest =
  | Deny
  | { readonly kind: 'failed'; readonly error: ClawError }
  | {
      readonly kind: 'ready'
      readonly request: OutgoingRequest
      readonly origin: Origin
      readonly secret: Secret | null
      /** Address to dial, if it comes to that. */
      readonly to: () => { readonly host: string; readonly port: number }
    }

/** What keeps a credential from being put in, before the request is judged: so that it is on record as a denial. */
export async function obstacleOf(
  session: Agent['session'],
  service: HttpService,
  use: CredentialUse | null,
): Promise<Obstacle | null> {
  if (use === null) return null
  try {
    if (!needsSecret(use)) return null
    const secret = await session.secret(use)
    if (secret === null) return { cause: 'secret_missing', reason: howToSet(use) }
    if (!usable.has(secret)) tryOut(service, use, secret)
    usable.add(secret)
    return null
  } catch (error) {
    if (!(error instanceof ClawError)) return { cause: 'unevaluable', reason: 'the credential could not be put in' }
    if (error.code === 'CP_SECRET') return { cause: 'secret_missing', reason: error.message }
    return error.code === 'CP_HOST_LOST' ? { cause: 'host_lost', reason: 'the gateway cannot be reached' } : null
  }
}

/** Secrets that could be put in once: they are the same objects until they change. */
const usable = new WeakSet<Secret>()

/** Puts the secret into a request that goes nowhere. */
function tryOut(service: HttpService, use: CredentialUse, secret: Secret): void {
  service.fill({ method: 'GET', target: '/', authority: '', headers: new HeaderList(), upgrade: null }, use, secret)
  tlsMaterial(use, secret)
}

function howToSet({ name }: CredentialUse): string {
  return `credential "${name}" has no secret: set it with clawpatrol secret set`
}

/** Makes of the agent's request the one that goes out, with its credential in it, and finds where it goes. */
export async function prepareRequest(
  agent: Agent,
  service: HttpService,
  { head, body }: Exchange,
  { use, inspected }: { readonly use: CredentialUse | null; readonly inspected: Inspected },
): Promise<PreparedRequest> {
  const { session, host, port, authority, pool } = agent
  try {
    const secret = use === null || !needsSecret(use) ? null : await session.secret(use)
    if (use !== null && secret === null && needsSecret(use)) return refusal('secret_missing', howToSet(use))
    const endpoint = session.endpoint()
    if (endpoint === null) return refusal('endpoint_gone', 'the endpoint is no longer in the policy')
    const isPlain = agent.scheme === 'http'
    if (isPlain !== (endpoint.settings.tls === false))
      return refusal('endpoint_gone', 'the endpoint is reached in another way now: connect again')
    const headers = requestFields(head, body.received > 0 || body.isOver)
    const { method, target } = head
    const sent: OutgoingRequest = { method, target, authority, headers, upgrade: upgradeOf(head) }
    const plain = inspected.outgoing?.(sent) ?? sent
    const material = use === null || secret === null ? null : tlsMaterial(use, secret)
    const request = use === null || secret === null ? plain : service.fill(plain, use, secret)
    if (secret !== null) narrowCodings(request.headers)
    body.filterTrailers = (trailers) =>
      service.takesTrailers === false ? new HeaderList() : requestTrailers(trailers, request.headers)
    const { upstream = null, ca_cert: ca = null } = endpoint.settings
    if (isPlain && material !== null)
      throw new ClawError('CP_SECRET', 'a client certificate needs TLS, and the endpoint has tls = false')
    const scope = { endpoint: endpoint.name, host, port, isPlain, ca, material, via: upstream }
    const to = () => (upstream === null ? { host, port } : addressOf(upstream))
    return { kind: 'ready', request, origin: pool.origin(scope), secret, to }
  } catch (error) {
    if (!(error instanceof ClawError)) return refusal('unevaluable', 'the credential could not be put in')
    if (error.code === 'CP_SECRET') return refusal('secret_missing', error.message)
    if (error.code === 'CP_HOST_LOST') return refusal('host_lost', 'the gateway cannot be reached')
    return { kind: 'failed', error }
  }
}

function addressOf(upstream: string): { readonly host: string; readonly port: number } {
  const { host, port } = splitAuthority(upstream)
  return { host, port: port ?? 443 }
}

function refusal(cause: FailsafeCause, reason: string): Deny {
  return { kind: 'deny', decider: { by: 'failsafe', cause, rule: null }, reason }
}
