import { Hono } from 'hono'
import { claimRequest, pollRequest, startRequest, type Transport } from '../protocol.ts'
import type { JoinAttempts } from './attempts.ts'
import { bearerOf } from './bearer.ts'
import type { OnboardApp, OnboardEnv } from './env.ts'
import { readInput } from './input.ts'
import { joinRequestOf } from './join-request.ts'
import type { Limits } from './limits.ts'
import type { OnboardPorts } from './ports.ts'
import { tooMany } from './refusals.ts'

/** Paths of joining, all of them POST. */
export const joinPaths = ['/api/onboard/start', '/api/onboard/poll', '/api/onboard/claim'] as const

/** What a stranger may ask on the way to becoming a device. */
export function joinRoutes(ports: OnboardPorts, attempts: JoinAttempts, limits: Limits): OnboardApp {
  const app = new Hono<OnboardEnv>()
  const [startPath, pollPath, claimPath] = joinPaths
  app.post(startPath, async (c) => {
    const waitS = limits.start(c.env.source)
    if (waitS > 0) return tooMany(c, waitS)
    const said = await readInput(c, startRequest)
    const request = said.kind === 'wrong' ? said : joinRequestOf(said.value, transports(ports))
    if (request.kind === 'wrong') return c.json({ error: request.why }, request.status)
    // proves which device joins again, to the operator who decides; it opens nothing by itself
    const token = bearerOf(c)
    const device = token === null ? null : ports.devices.ofToken(token)
    const reply = attempts.start(request.value, { source: c.env.source, reach: c.env.reach, device })
    return reply === null ? tooMany(c, 60) : c.json(reply)
  })
  app.post(pollPath, async (c) => {
    const waitS = limits.poll(c.env.source)
    if (waitS > 0) return tooMany(c, waitS)
    const request = await readInput(c, pollRequest)
    // says no more than for a code nobody has
    if (request.kind === 'wrong') return c.json({ error: 'expired_token' })
    const { device_code, nonce, wait_s } = request.value
    return c.json(await attempts.poll(device_code, nonce, (wait_s ?? 0) * 1000))
  })
  app.post(claimPath, async (c) => {
    const waitS = limits.claim(c.env.source)
    if (waitS > 0) return tooMany(c, waitS)
    const request = await readInput(c, claimRequest)
    if (request.kind === 'wrong') return c.json({ error: request.why }, request.status)
    const { device_code, nonce, ip } = request.value
    const { source, reach, node } = c.env
    const claimed = attempts.claim(device_code, nonce, { ip: ip ?? null, origin: { source, reach, node } })
    if (claimed === null) return c.json({ error: 'unknown or unapproved device_code' }, 404)
    if (claimed.kind === 'conflict') return c.json({ error: 'address belongs to another device' }, 409)
    return c.json({ owner: claimed.owner, ip: claimed.address, hostname: claimed.enrolment.name })
  })
  return app
}

/** The transports of this gateway, WireGuard first: it wins where the client does not choose. */
function transports(ports: OnboardPorts): readonly Transport[] {
  return [
    ...(ports.tunnel() === null ? [] : (['wireguard'] as const)),
    ...(ports.tailnet === undefined ? [] : (['tailscale'] as const)),
  ]
}
