import { type Context, Hono } from 'hono'
import { ClawError } from '../../workers/contract/errors.ts'
import { type SelfReply, type SessionReply, sessionRequest } from '../protocol.ts'
import { bearerOf } from './bearer.ts'
import type { DeviceGuard, OnboardApp, OnboardEnv } from './env.ts'
import { readInput } from './input.ts'
import type { Limits } from './limits.ts'
import { nodeRoutes } from './node-routes.ts'
import type { KnownDevice, OnboardPorts } from './ports.ts'
import { tooMany } from './refusals.ts'

/** What a device may ask with its token: peers and nodes for its runs, its variables, itself. */
export function deviceRoutes(ports: OnboardPorts, limits: Limits): OnboardApp {
  const app = new Hono<OnboardEnv>()
  const guard = deviceGuard(ports, limits)
  app.post('/api/sessions', guard, async (c) => {
    const request = await readInput(c, sessionRequest)
    if (request.kind === 'wrong') return c.json({ error: request.why }, request.status)
    const caller = c.get('caller')
    const tunnel = ports.tunnel()
    if (tunnel === null || caller.transport !== 'wireguard')
      return c.json({ error: 'this device is none of WireGuard: join again' }, 409)
    const { pubkey, name } = request.value
    try {
      const run = await ports.runs.open({ device: caller.id, publicKey: pubkey, name: name ?? '' })
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
    const [device, id] = [c.get('caller').id, c.req.param('id') ?? '']
    const isClosed = ports.tailnet?.endRun(device, id) === true || (await ports.runs.close(device, id))
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
  app.route('/', nodeRoutes(ports, guard))
  return app
}

function deviceGuard(ports: OnboardPorts, limits: Limits): DeviceGuard {
  return async (c, next) => {
    const token = bearerOf(c)
    const device = token === null ? null : ports.devices.ofToken(token)
    if (device === null) {
      const waitS = limits.wrongToken(c.env.source)
      if (waitS > 0) return tooMany(c, waitS)
      return c.json({ error: 'unauthorized' }, 401, { 'www-authenticate': 'Bearer' })
    }
    if (device.isBlocked) return c.json({ error: 'device is blocked' }, 403)
    const misplaced = misplacedBecause(device, c, ports)
    if (misplaced !== null) return c.json({ error: misplaced.why }, misplaced.status)
    const waitS = limits.device(device.id)
    if (waitS > 0) return tooMany(c, waitS)
    c.set('caller', device)
    await next()
  }
}

interface Misplaced {
  readonly why: string
  readonly status: 403 | 409
}

/** A token is good only where its device can be: one of the tailnet at its own nodes, or at one that is nobody's yet. */
function misplacedBecause(device: KnownDevice, { env }: Context<OnboardEnv>, ports: OnboardPorts): Misplaced | null {
  const { node, reach } = env
  const holder = node === null ? null : (ports.tailnet?.deviceOf(node.stableId) ?? null)
  if (holder !== null && holder !== device.id) return { why: 'this node belongs to another device', status: 409 }
  if (device.transport === 'wireguard' || holder === device.id) return null
  if (reach !== 'tailnet' || node === null)
    return { why: 'devices of the tailnet ask through the tailnet', status: 403 }
  if (ports.tailnet?.isTaggedByUs(node) !== true)
    return { why: 'this node has no tag of this gateway: it did not join with a key of its device', status: 403 }
  return null
}
