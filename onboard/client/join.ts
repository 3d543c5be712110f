import { createHash, randomBytes } from 'node:crypto'
import { hostname as systemHostname } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { ClawError } from '../../workers/contract/errors.ts'
import { longestWaitS, type PollSuccess, pollReply, type StartReply, startReply, type Transport } from '../protocol.ts'
import { identityOf } from './arrival.ts'
import { type Connect, type GatewayHttp, gatewayHttp, jsonOf } from './gateway-http.ts'
import { parseGatewayUrl } from './gateway-url.ts'
import { type Identity, loadIdentity } from './identity.ts'
import { prepareDir, saveIdentity } from './save-identity.ts'
import { adviseLogin } from './tailnet-shape.ts'
import { type MetGateway, meetGateway } from './trust-on-first-use.ts'
import { checkGatewayIsElsewhere, checkTransport, undoFormerRouting } from './whole-machine/mode.ts'
import { newKeyPair } from './wireguard-key.ts'

const startMs = 15_000
const pollMs = (longestWaitS + 10) * 1000

/** What a person asked for. */
export interface JoinRequest {
  readonly url: string
  readonly dir: string
  /** null: the machine's own name. */
  readonly hostname: string | null
  readonly profile: string | null
  /** null: what the gateway prefers. */
  readonly transport: Transport | null
  readonly insecureHttp: boolean
  /** All traffic of the machine is to go to the gateway; `routeWholeMachine` does it after the join. */
  readonly wholeMachine?: boolean
  /** Instead of this machine's own network, which does not reach the gateway. */
  readonly connect?: Connect
  /** Tries to get the join approved before people are asked; true: nobody has to be. */
  readonly decide?: (http: Pick<GatewayHttp, 'ask'>, invitation: Invitation) => Promise<boolean>
  /** Ends the join while it waits. */
  readonly signal?: AbortSignal
  /** Shows people what to approve. */
  readonly show: (invitation: Invitation) => void
}

/** What people need to approve a join. */
export interface Invitation {
  readonly userCode: string
  /** null: the gateway says it only once it is approved; a public authority vouches for it. */
  readonly fingerprint: string | null
  /** Page to approve it on; null: the command on the gateway host does it. */
  readonly verifyUrl: string | null
  readonly hostname: string
  /** A public authority vouches for the gateway: comparing fingerprints is extra. */
  readonly isVouchedFor: boolean
}

/** What a join brought. */
export interface Joined {
  readonly gateway: string
  readonly deviceName: string
  readonly approvedBy: string
  readonly mode: 'wireguard' | 'tailscale'
  readonly fingerprint: string
  readonly ca: string
}

/**
 * Joins a gateway: asks, waits for an operator, checks what comes and saves it. Joining again replaces it.
 * @throws ClawError CP_ONBOARD with one sentence; what an earlier join left stays in use then
 */
export async function joinGateway(request: JoinRequest): Promise<Joined> {
  const url = parseGatewayUrl(request.url)
  const hostname = hostnameOf(request.hostname)
  if (request.wholeMachine === true) await checkGatewayIsElsewhere(url)
  prepareDir(request.dir)
  await undoFormerRouting(request.dir)
  const { connect } = request
  const met = await meetGateway(url, request.insecureHttp, connect).catch((error: unknown) => {
    throw connect === undefined ? adviseLogin(url, error) : error
  })
  const http = await gatewayHttp(met.address, connect)
  try {
    return await joinOver(http, met, { ...request, hostname })
  } finally {
    http.close()
  }
}

async function joinOver(
  http: GatewayHttp,
  met: MetGateway,
  request: JoinRequest & { readonly hostname: string },
): Promise<Joined> {
  const key = newKeyPair()
  const nonce = randomBytes(32).toString('base64url')
  const start = await begin(http, met, { ...request, nonce, publicKey: key.publicKey })
  if (request.wholeMachine === true) checkTransport(start.transport ?? 'wireguard')
  const invitation: Invitation = {
    userCode: start.user_code,
    fingerprint: met.ca?.fingerprint ?? start.ca_fingerprint ?? null,
    verifyUrl: start.verify_url === '' ? null : start.verify_url,
    hostname: request.hostname,
    isVouchedFor: met.isVouchedFor,
  }
  const isDecided = (await request.decide?.(http, invitation)) ?? false
  if (!isDecided) request.show(invitation)
  const success = await waitForApproval(http, start, { nonce, signal: request.signal })
  const shownFingerprint = start.ca_fingerprint ?? null
  const identity = identityOf({ met, success, privateKey: key.privateKey, shownFingerprint })
  saveIdentity(request.dir, identity)
  // tells the gateway that nothing need be kept for us; it forgets by itself a minute later
  const body = { device_code: start.device_code, nonce }
  await http.ask({ method: 'POST', path: '/api/onboard/claim', body, timeoutMs: startMs }).catch(() => undefined)
  const { device_name: deviceName, approved_by: approvedBy } = success
  const { config, ca } = identity
  return { gateway: met.address.url, deviceName, approvedBy, mode: config.mode, fingerprint: config.ca_fingerprint, ca }
}

async function begin(
  http: GatewayHttp,
  met: MetGateway,
  join: JoinRequest & { readonly hostname: string; readonly nonce: string; readonly publicKey: string },
): Promise<StartReply> {
  const token = earlierToken(join.dir, met)
  const reply = await http.ask({
    method: 'POST',
    path: '/api/onboard/start',
    timeoutMs: startMs,
    ...(token === null ? {} : { token }),
    body: {
      hostname: join.hostname,
      ...(join.transport === 'tailscale' ? {} : { wg_pub: join.publicKey }),
      ...(join.transport === null ? {} : { transport: join.transport }),
      ...(join.wholeMachine === true ? { whole_machine: '1' } : {}),
      client_nonce_hash: createHash('sha256').update(join.nonce).digest('base64url'),
      ...(join.profile === null ? {} : { profile: join.profile }),
    },
  })
  if (reply.status === 429)
    throw new ClawError('CP_ONBOARD', 'The gateway has too many join attempts', { hint: 'try again in a few minutes' })
  const start = startReply.safeParse(jsonOf(reply))
  if (reply.status === 200 && start.success) return start.data
  const said = jsonOf(reply)?.error
  throw new ClawError(
    'CP_ONBOARD',
    `Cannot join: the gateway answered ${typeof said === 'string' ? said.slice(0, 200) : reply.status}`,
  )
}

/** Shown to the same gateway only, over a connection it proved itself on: it says which device joins again. */
function earlierToken(dir: string, met: MetGateway): string | null {
  let earlier: Identity
  try {
    earlier = loadIdentity(dir)
  } catch {
    return null
  }
  const isSame = earlier.gateway.url === met.address.url && earlier.caFingerprint === met.ca?.fingerprint
  return isSame && met.address.trust !== 'none' ? earlier.token : null
}

async function waitForApproval(
  http: GatewayHttp,
  start: StartReply,
  { nonce, signal }: { readonly nonce: string; readonly signal: AbortSignal | undefined },
): Promise<PollSuccess> {
  const deadline = performance.now() + start.expires_in * 1000
  const body = { device_code: start.device_code, nonce, wait_s: longestWaitS }
  const ask = { method: 'POST', path: '/api/onboard/poll', body, timeoutMs: pollMs } as const
  let lastFailure: unknown = null
  while (performance.now() < deadline) {
    const askedAt = performance.now()
    try {
      const reply = await http.ask(signal === undefined ? ask : { ...ask, signal })
      const answer = pollReply.safeParse(jsonOf(reply))
      if (answer.success && 'auth_key' in answer.data) return answer.data
      if (answer.success && 'error' in answer.data) throwIfOver(answer.data.error, answer.data.detail)
      else if (reply.status !== 429) throw new ClawError('CP_ONBOARD', `The gateway answered ${reply.status} to a poll`)
    } catch (error) {
      if (error instanceof PollOver) throw error
      if (signal?.aborted === true) throw stopped()
      lastFailure = error
    }
    // a gateway that waits as asked is asked again at once
    const pauseMs = start.interval * 1000 - (performance.now() - askedAt)
    if (pauseMs > 0 && signal?.aborted !== true) await sleep(pauseMs, undefined, { signal }).catch(() => undefined)
    if (signal?.aborted === true) throw stopped()
  }
  const why = lastFailure instanceof Error ? `: ${lastFailure.message}` : ''
  throw new ClawError('CP_ONBOARD', `Nobody approved the join in time${why}`, { hint: 'run clawpatrol join again' })
}

function stopped(): ClawError {
  return new ClawError('CP_CANCELLED', 'Stopped while waiting for approval')
}

class PollOver extends ClawError {}

function throwIfOver(error: string, detail: string | undefined): void {
  const again = { hint: 'run clawpatrol join again' }
  switch (error) {
    case 'authorization_pending':
    case 'slow_down':
      return
    case 'access_denied':
      throw new PollOver('CP_ONBOARD', 'The operator denied this join')
    case 'expired_token':
      throw new PollOver('CP_ONBOARD', 'The join ran out of time, or the gateway restarted', again)
    case 'already_claimed':
      throw new PollOver('CP_ONBOARD', 'The answer to this join was fetched already', again)
    default:
      throw new PollOver(
        'CP_ONBOARD',
        `Cannot join: the gateway answered ${error}${detail === undefined ? '' : ` (${detail})`}`,
      )
  }
}

function hostnameOf(wanted: string | null): string {
  const pattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/
  if (wanted !== null && !pattern.test(wanted))
    throw new ClawError('CP_ONBOARD', `Cannot use ${JSON.stringify(wanted)} as a host name`, {
      hint: 'letters, digits, dots and dashes, at most 63',
    })
  if (wanted !== null) return wanted
  const own = systemHostname()
    .replace(/[^A-Za-z0-9._-]/g, '-')
    .replace(/^[^A-Za-z0-9]+/, '')
    .slice(0, 63)
  return own === '' ? 'device' : own
}
