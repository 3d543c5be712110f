import { ClawError } from '../../workers/contract/errors.ts'
import {
  attemptMs,
  type PollReply,
  type PollSuccess,
  pollIntervalS,
  type StartReply,
  type Transport,
} from '../protocol.ts'
import { type Claimant, type Claimed, claimedAddress } from './claim.ts'
import { canonicalUserCode, isNonceOf, newDeviceCode, newUserCode, sha256 } from './codes.ts'
import { deliveryOf } from './delivery.ts'
import type { JoinRequest } from './join-request.ts'
import type { Admission, Enrolment, KnownDevice, OnboardPorts, Reach, RequestOrigin } from './ports.ts'

/** Join attempts alive at the same time, all strangers together. */
export const maxAttempts = 100
/** Of those from the internet: whoever floods it does not keep the others out. */
export const maxFunnelAttempts = 80
/** How long the answer to a lost poll is given again. */
export const graceMs = 60_000
/** Characters of why letting a device in failed. */
const longestDetail = 1000
/** A device code asked more often than this is told to slow down. */
export const fastestPollMs = 2000

/** A join attempt as an operator sees it. */
export interface PendingJoin {
  readonly userCode: string
  readonly hostname: string
  /** Address the attempt came from. */
  readonly source: string
  readonly suggestedProfile: string | null
  readonly transport: Transport
  /** The machine itself goes through the gateway, not only what it wraps. */
  readonly isWholeMachine: boolean
  /** Name of the device that joins again; null: a new one. */
  readonly rejoins: string | null
  readonly createdAt: number
  readonly expiresAt: number
  readonly state: 'pending' | 'approving' | 'approved' | 'denied' | 'failed'
  /** null: none was chosen, or it is not approved. */
  readonly approvedProfile: string | null
}

/** What an approval did. */
export interface ApprovedJoin {
  readonly join: PendingJoin
  readonly enrolment: Enrolment
  readonly profile: string | null
  /** The attempt was approved before. */
  readonly already: boolean
}

/** Join attempts: from `start` to the delivered token. All of it is in memory; a restart ends them. */
export interface JoinAttempts extends AsyncDisposable {
  start(
    request: JoinRequest,
    from: Pick<RequestOrigin, 'source' | 'reach'> & { readonly device: KnownDevice | null },
  ): StartReply | null
  /** Answers at once unless `waitMs` is given and nothing has been decided. */
  poll(deviceCode: string, nonce: string, waitMs: number): Promise<PollReply>
  /**
   * The client saved everything: nothing is delivered again. A whole machine of the tailnet claims from its new node.
   * @returns null for a code nobody approved
   */
  claim(deviceCode: string, nonce: string, from: Claimant): Claimed | null
  pending(): readonly PendingJoin[]
  /** @throws ClawError CP_ONBOARD for a code that is unknown, over or denied, or a profile that is not there */
  approve(
    userCode: string,
    choice: { readonly profile: string | null; readonly approvedBy: string },
  ): Promise<ApprovedJoin>
  deny(userCode: string): Promise<PendingJoin>
}

type State =
  | { readonly kind: 'pending' }
  | { readonly kind: 'approving' }
  | { readonly kind: 'approved'; readonly admission: Admission; readonly profile: string | null; readonly by: string }
  | { readonly kind: 'denied' }
  | { readonly kind: 'failed'; readonly detail: string }

interface Attempt {
  readonly request: JoinRequest
  readonly source: string
  readonly reach: Reach
  readonly device: KnownDevice | null
  readonly userCode: string
  readonly createdAt: number
  state: State
  lastPollAt: number | null
  /** What was delivered, kept for as long as it may be asked for again. */
  delivery: { readonly reply: PollSuccess | null; readonly at: number } | null
  isClaimed: boolean
  /** Ends the poll that waits; there is at most one. */
  wake: (() => void) | null
}

/** Keeps join attempts. */
export function joinAttempts(ports: OnboardPorts): JoinAttempts {
  /** By hash of the device code, so that a look-up's timing tells nothing of it. */
  const attempts = new Map<string, Attempt>()
  const { now, devices } = ports
  /** Approvals under way. */
  const letting = new Set<Promise<ApprovedJoin>>()
  let isOver = false
  // also when the clock was set back: a jump ends attempts, it never prolongs them
  const isWithin = (since: number, ms: number) => Math.abs(now() - since) < ms

  const fromFunnel = () => [...attempts.values()].filter(({ reach }) => reach === 'funnel').length

  const end = (key: string, attempt: Attempt) => {
    attempts.delete(key)
    attempt.wake?.()
    if (attempt.state.kind === 'approved') return forget(attempt.state.admission.enrolment, attempt)
  }
  const forget = async (enrolment: Enrolment, attempt: Attempt) => {
    // nobody holds a token for it: a device that never came stays nobody's
    if (attempt.delivery === null && !enrolment.isRejoin) await devices.withdraw(enrolment)
  }
  const purge = () => {
    for (const [key, attempt] of attempts) {
      if (isWithin(attempt.createdAt, attemptMs) || attempt.state.kind === 'approving') continue
      void end(key, attempt)?.catch(() => undefined)
    }
  }
  const byCode = (typed: string): Attempt => {
    purge()
    const code = canonicalUserCode(typed)
    for (const attempt of attempts.values()) if (attempt.userCode === code) return attempt
    throw new ClawError('CP_ONBOARD', `No join attempt has the code ${JSON.stringify(code.slice(0, 32))}`, {
      hint: 'codes live ten minutes and end when the gateway restarts: run clawpatrol join again',
    })
  }
  const byDevice = (deviceCode: string, nonce: string): Attempt | null => {
    purge()
    const attempt = attempts.get(sha256(deviceCode))
    return attempt !== undefined && isNonceOf(nonce, attempt.request.nonceHash) ? attempt : null
  }

  const letIn = async (attempt: Attempt, profile: string | null, by: string): Promise<ApprovedJoin> => {
    const { request } = attempt
    const source = attempt.reach === 'tailnet' ? null : attempt.source
    attempt.state = { kind: 'approving' }
    try {
      const { hostname: name, transport } = request
      const rejoinOf = attempt.device?.id ?? null
      const admission = await devices.enrol({ name, profile, approvedBy: by, transport, rejoinOf, source })
      const { enrolment } = admission
      attempt.state = { kind: 'approved', admission, profile, by }
      // the gateway stops: nobody can fetch it any more
      if (isOver) await forget(enrolment, attempt)
      return { join: describe(attempt), enrolment, profile, already: false }
    } catch (error) {
      const detail = error instanceof ClawError ? error.message.slice(0, longestDetail) : 'the gateway failed'
      attempt.state = { kind: 'failed', detail }
      throw error
    } finally {
      attempt.wake?.()
    }
  }

  return {
    start(request, { source, reach, device }) {
      purge()
      if (attempts.size >= maxAttempts || (reach === 'funnel' && fromFunnel() >= maxFunnelAttempts)) return null
      const codes = new Set([...attempts.values()].map(({ userCode }) => userCode))
      let userCode = newUserCode()
      while (codes.has(userCode)) userCode = newUserCode()
      const deviceCode = newDeviceCode()
      attempts.set(sha256(deviceCode), {
        request,
        source,
        reach,
        device,
        userCode,
        createdAt: now(),
        state: { kind: 'pending' },
        lastPollAt: null,
        delivery: null,
        isClaimed: false,
        wake: null,
      })
      const base = ports.publicUrl
      return {
        device_code: deviceCode,
        user_code: userCode,
        verify_url: base === null ? '' : `${base}/#/onboard/${userCode}`,
        interval: pollIntervalS,
        expires_in: attemptMs / 1000,
        transport: request.transport.kind,
        ca_fingerprint: ports.authority().fingerprint,
      }
    },
    async poll(deviceCode, nonce, waitMs) {
      const attempt = byDevice(deviceCode, nonce)
      if (attempt === null) return { error: 'expired_token' }
      const isFast = attempt.lastPollAt !== null && isWithin(attempt.lastPollAt, fastestPollMs)
      attempt.lastPollAt = now()
      if (isFast) return { error: 'slow_down' }
      if (waitMs > 0 && isUndecided(attempt)) await decision(attempt, waitMs)
      if (!attempts.has(sha256(deviceCode))) return { error: 'expired_token' }
      return answer(attempt, ports)
    },
    claim(deviceCode, nonce, from) {
      const attempt = byDevice(deviceCode, nonce)
      if (attempt === null || attempt.state.kind !== 'approved' || attempt.delivery === null) return null
      const { admission, by } = attempt.state
      const { enrolment } = admission
      const address = attempt.isClaimed ? null : claimedAddress(attempt.request, enrolment, from, ports)
      if (address === null) return { kind: 'conflict' }
      attempt.isClaimed = true
      attempt.state = { ...attempt.state, admission: { enrolment, authKey: null } }
      attempt.delivery = { ...attempt.delivery, reply: null }
      return { kind: 'claimed', enrolment, owner: by, address }
    },
    pending() {
      purge()
      return [...attempts.values()].map(describe)
    },
    async approve(userCode, choice) {
      const attempt = byCode(userCode)
      if (attempt.state.kind === 'approved') {
        const { admission, profile } = attempt.state
        return { join: describe(attempt), enrolment: admission.enrolment, profile, already: true }
      }
      if (attempt.state.kind !== 'pending')
        throw new ClawError('CP_ONBOARD', `Cannot approve ${attempt.userCode}: ${overText[attempt.state.kind]}`)
      const { request } = attempt
      const profile = chosenProfile(choice.profile, request.suggestedProfile, devices.profiles())
      mustBeReachable(request, ports)
      const work = letIn(attempt, profile, choice.approvedBy)
      letting.add(work)
      try {
        return await work
      } finally {
        letting.delete(work)
      }
    },
    async deny(userCode) {
      const attempt = byCode(userCode)
      if (attempt.state.kind === 'approving' || attempt.delivery !== null)
        throw new ClawError('CP_ONBOARD', `Cannot deny ${attempt.userCode}: it is approved already`, {
          hint: `clawpatrol device delete ${attempt.request.hostname}`,
        })
      const before = attempt.state
      attempt.state = { kind: 'denied' }
      attempt.wake?.()
      if (before.kind === 'approved') await forget(before.admission.enrolment, attempt)
      return describe(attempt)
    },
    async [Symbol.asyncDispose]() {
      isOver = true
      await Promise.allSettled([...attempts].map(([key, attempt]) => end(key, attempt)))
      await Promise.allSettled(letting)
    },
  }
}

const overText = {
  approving: 'it is being approved',
  denied: 'it was denied',
  failed: 'letting it in failed; run clawpatrol join again',
} as const

function isUndecided({ state }: Attempt): boolean {
  return state.kind === 'pending' || state.kind === 'approving'
}

/** Resolves once something is decided, when another poll comes, or after `waitMs`. */
function decision(attempt: Attempt, waitMs: number): Promise<void> {
  attempt.wake?.()
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer)
      if (attempt.wake === done) attempt.wake = null
      resolve()
    }
    const timer = setTimeout(done, waitMs)
    attempt.wake = done
  })
}

function answer(attempt: Attempt, ports: OnboardPorts): PollReply {
  const { state } = attempt
  switch (state.kind) {
    case 'pending':
      return { error: 'authorization_pending' }
    case 'approving':
      return { error: 'slow_down' }
    case 'denied':
      return { error: 'access_denied' }
    case 'failed':
      return { error: 'server_error', detail: state.detail }
    case 'approved':
      return deliver(attempt, state.admission, state.by, ports)
    default:
      return state satisfies never
  }
}

function deliver(attempt: Attempt, admission: Admission, approvedBy: string, ports: OnboardPorts): PollReply {
  const at = ports.now()
  if (attempt.delivery !== null) {
    const isLate = Math.abs(at - attempt.delivery.at) > graceMs
    return (isLate ? null : attempt.delivery.reply) ?? { error: 'already_claimed' }
  }
  try {
    const reply = deliveryOf(admission, approvedBy, ports)
    if (reply === null) return { error: 'slow_down' }
    attempt.delivery = { reply, at }
    return reply
  } catch (error) {
    // of a device that is not on record any more; anything else may go better the next time
    if (!(error instanceof ClawError)) throw error
    attempt.state = { kind: 'failed', detail: error.message }
    return { error: 'server_error', detail: error.message }
  }
}

/** Before anything is made: a device that cannot be told where to go is not let in. */
function mustBeReachable({ transport }: JoinRequest, ports: OnboardPorts): void {
  if (transport.kind === 'wireguard' || (ports.tailnet?.facts() ?? null) !== null) return
  throw new ClawError('CP_ONBOARD', 'Cannot approve: the gateway is not in the tailnet', {
    hint: 'clawpatrol status says why; approve again once it is',
  })
}

function chosenProfile(chosen: string | null, suggested: string | null, profiles: readonly string[]): string | null {
  if (chosen !== null) {
    if (profiles.includes(chosen)) return chosen
    throw new ClawError('CP_ONBOARD', `Unknown profile ${JSON.stringify(chosen)}`, {
      hint: `the policy declares ${profiles.length === 0 ? 'none' : profiles.join(', ')}`,
    })
  }
  return suggested !== null && profiles.includes(suggested) ? suggested : null
}

function describe(attempt: Attempt): PendingJoin {
  return {
    userCode: attempt.userCode,
    hostname: attempt.request.hostname,
    source: attempt.source,
    suggestedProfile: attempt.request.suggestedProfile,
    transport: attempt.request.transport.kind,
    isWholeMachine: attempt.request.isWholeMachine,
    rejoins: attempt.device?.name ?? null,
    createdAt: attempt.createdAt,
    expiresAt: attempt.createdAt + attemptMs,
    state: attempt.state.kind,
    approvedProfile: attempt.state.kind === 'approved' ? attempt.state.profile : null,
  }
}
