import { type Context, Hono } from 'hono'
import { ClawError } from '../../workers/contract/errors.ts'
import { type SelfReply, type SessionReply, sessionRequest } from '../protocol.ts'
import type { OnboardEnv } from './app.ts'
import { readInput } from './input.ts'
import type { Limits } from './limits.ts'
import type { KnownDevice, OnboardPorts } from './ports.ts'

/** The device whose token came with the request. */
export type Caller = KnownDevice

/** What a device may ask with its token: peers for its runs, its variables, itself. */
export function deviceRoutes(ports: OnboardPorts, limits: Limits): Hono<OnboardEnv> {
  const app = new Hono<OnboardEnv>()
  const guard = async (c: Context<OnboardEnv>, next: () => Promise<void>) => {
    const token = bearerOf(c)
    const device = token === null ? null : ports.devices.ofToken(token)
    if (device === null) {
      const waitS = limits.wrongToken(c.env.source)
      if (waitS > 0) return c.json({ error: 'too many requests' }, 429, { 'retry-after': String(waitS) })
      return c.json({ error: 'unauthorized' }, 401, { 'www-authenticate': 'Bearer' })
    }
    if (device.isBlocked) return c.json({ error: 'device is blocked' }, 403)
    const waitS = limits.device(device.id)
    if (waitS > 0) return c.json({ error: 'too many requests' }, 429, { 'retry-after': String(waitS) })
    c.set('caller', device)
    await next()
  }
  app.post('/api/sessions', guard, async (c) => {
    const request = await readInput(c, sessionRequest)
    if (request.kind === 'wrong') return c.json({ error: request.why }, request.status)
    const caller = c.get('caller')
    const { pubkey, name } = request.value
    try {
      const run = await ports.runs.open({ device: caller.id, publicKey: pubkey, name: name ?? '' })
      const tunnel = ports.tunnel()
      const reply: SessionReply = {
        id: run.id,
        address: run.address4,
        address6: run.address6,
        server_public_key: tunnel.serverPublicKey,
        endpoint: tunnel.endpoint,
        mtu: tunnel.mtu,
        dns: tunnel.dns,
        keepalive: tunnel.keepaliveS,
        expires_in: run.expiresS,
        vars: ports.devices.variables(caller),
      }
      return c.json(reply)
    } catch (error) {
      if (!(error instanceof ClawError)) throw error
      return c.json({ error: error.message }, error.code === 'CP_LIMIT' ? 429 : 409)
    }
  })
  app.delete('/api/sessions/:id', guard, async (c) => {
    const isClosed = await ports.runs.close(c.get('caller').id, c.req.param('id') ?? '')
    return isClosed ? c.body(null, 204) : c.json({ error: 'no such session' }, 404)
  })
  app.get('/api/env-pushdown', guard, (c) => c.json({ vars: ports.devices.variables(c.get('caller')) }))
  app.get('/api/peer/self', guard, (c) => {
    const caller = c.get('caller')
    const reply: SelfReply = {
      device_id: caller.id,
      name: caller.name,
      profile: caller.profile,
      address: caller.address4,
      ca_fingerprint: ports.authority().fingerprint,
    }
    return c.json(reply)
  })
  app.delete('/api/peer/self', guard, async (c) => {
    await ports.devices.leave(c.get('caller').id)
    return c.body(null, 204)
  })
  return app
}

/** The bearer token of a request, null when there is none. */
export function bearerOf(c: Context<OnboardEnv>): string | null {
  const header = c.req.header('authorization') ?? ''
  return /^Bearer ([A-Za-z0-9_-]{20,200})$/.exec(header)?.[1] ?? null
}
