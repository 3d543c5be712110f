import { type Context, Hono } from 'hono'
import { ClawError } from '../../workers/contract/errors.ts'
import { type LookupReply, operatorRequest } from '../protocol.ts'
import type { JoinAttempts, PendingJoin } from './attempts.ts'
import { canonicalUserCode } from './codes.ts'
import type { OnboardApp, OnboardEnv } from './env.ts'
import { readInput } from './input.ts'
import type { Limits } from './limits.ts'
import type { OnboardPorts } from './ports.ts'
import { notFound, tooMany } from './refusals.ts'

/** What an operator may ask from the tailnet, by the login its node belongs to. Elsewhere these paths do not exist. */
export function operatorRoutes(ports: OnboardPorts, attempts: JoinAttempts, limits: Limits): OnboardApp {
  const app = new Hono<OnboardEnv>()
  app.get('/api/onboard/lookup', async (c) => {
    const asked = await ask(c, { ports, attempts, limits })
    return asked.kind === 'refused' ? asked.response : c.json(lookup(asked.join, ports))
  })
  app.post('/api/onboard/approve', async (c) => {
    const asked = await ask(c, { ports, attempts, limits })
    if (asked.kind === 'refused') return asked.response
    const { join, login } = asked
    const profiles = ports.devices.profiles()
    const profile = asked.profile ?? suggestion(join, profiles)
    if (profile !== null && !profiles.includes(profile))
      return c.json({ error: `unknown profile ${JSON.stringify(profile)}` }, 400)
    return await answer(c, async () => {
      const approved = await attempts.approve(join.userCode, { profile, approvedBy: login })
      const what = approved.already ? { already: true } : { approved: true }
      return { ...what, profile: approved.profile ?? '' }
    })
  })
  app.post('/api/onboard/deny', async (c) => {
    const asked = await ask(c, { ports, attempts, limits })
    if (asked.kind === 'refused') return asked.response
    return await answer(c, async () => {
      await attempts.deny(asked.join.userCode)
      return { denied: true }
    })
  })
  return app
}

interface Parts {
  readonly ports: OnboardPorts
  readonly attempts: JoinAttempts
  readonly limits: Limits
}

type Asked =
  | { readonly kind: 'refused'; readonly response: Response }
  | { readonly kind: 'asked'; readonly join: PendingJoin; readonly profile: string | null; readonly login: string }

/** Who asks and about which join. */
async function ask(c: Context<OnboardEnv>, { ports, attempts, limits }: Parts): Promise<Asked> {
  const refused = (response: Response): Asked => ({ kind: 'refused', response })
  const { reach, node } = c.env
  if (reach !== 'tailnet' || node === null || ports.tailnet === undefined) return refused(notFound(c))
  const login = node.user
  if (login === null || !ports.tailnet.isOperator(node))
    return refused(c.json({ error: 'approval requires an authenticated operator' }, 403))
  // a page some operator looks at must not decide in their name
  if (isFromPage(c)) return refused(c.json({ error: 'not from a web page' }, 403))
  const waitS = limits.operator(node.stableId) || limits.wrongCode(node.stableId, false)
  if (waitS > 0) return refused(tooMany(c, waitS))
  const request = await readInput(c, operatorRequest)
  if (request.kind === 'wrong') return refused(c.json({ error: request.why }, request.status))
  const code = canonicalUserCode(request.value.code)
  const join = attempts.pending().find(({ userCode }) => userCode === code)
  if (join === undefined) {
    limits.wrongCode(node.stableId, true)
    return refused(c.json({ error: 'unknown or expired code' }, 404))
  }
  const { profile = '' } = request.value
  return { kind: 'asked', join, profile: profile === '' ? null : profile, login }
}

function isFromPage(c: Context<OnboardEnv>): boolean {
  const site = c.req.header('sec-fetch-site') ?? 'none'
  return c.req.header('origin') !== undefined || (site !== 'none' && site !== 'same-origin')
}

async function answer(c: Context<OnboardEnv>, act: () => Promise<object>): Promise<Response> {
  try {
    return c.json(await act())
  } catch (error) {
    if (!(error instanceof ClawError)) throw error
    return c.json({ error: error.message }, 409)
  }
}

function lookup(join: PendingJoin, ports: OnboardPorts): LookupReply {
  const profiles = ports.devices.profiles()
  return {
    user_code: join.userCode,
    approved: join.state === 'approved',
    state: join.state,
    created_at: Math.floor(join.createdAt / 1000),
    hostname: join.hostname,
    source: join.source,
    transport: join.transport,
    whole_machine: join.isWholeMachine,
    rejoins: join.rejoins,
    ca_fingerprint: ports.authority().fingerprint,
    profiles,
    suggested_profile: join.approvedProfile ?? suggestion(join, profiles) ?? '',
  }
}

/** What an operator who names none gives. @returns null for the one the device has, or where there are none */
function suggestion({ suggestedProfile, rejoins }: PendingJoin, profiles: readonly string[]): string | null {
  if (suggestedProfile !== null && profiles.includes(suggestedProfile)) return suggestedProfile
  if (rejoins !== null) return null
  return profiles.includes('default') ? 'default' : (profiles[0] ?? null)
}
