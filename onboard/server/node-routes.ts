import { Hono } from 'hono'
import { ClawError } from '../../workers/contract/errors.ts'
import { type RegisterReply, type RotateReply, registerRequest } from '../protocol.ts'
import type { DeviceGuard, OnboardApp, OnboardEnv } from './env.ts'
import { readInput } from './input.ts'
import type { OnboardPorts } from './ports.ts'
import { notFound } from './refusals.ts'

/** What a device may ask from its nodes in the tailnet. Whose node it is, the network says, never the request. */
export function nodeRoutes(ports: OnboardPorts, guard: DeviceGuard): OnboardApp {
  const app = new Hono<OnboardEnv>()
  app.post('/api/peer/tsnet/register', guard, async (c) => {
    const { node } = c.env
    const { tailnet } = ports
    if (node === null || tailnet === undefined) return notFound(c)
    const caller = c.get('caller')
    if (caller.transport !== 'tailscale')
      return c.json({ error: 'this device is none of the tailnet: join again' }, 409)
    const request = await readInput(c, registerRequest)
    if (request.kind === 'wrong') return c.json({ error: request.why }, request.status)
    const facts = tailnet.facts()
    if (facts === null) return c.json({ error: 'the gateway is not in the tailnet' }, 503)
    const bound = tailnet.bindRun(caller.id, node, request.value.run_id ?? null)
    switch (bound.kind) {
      case 'taken':
        return c.json({ error: 'this node or run belongs to another device' }, 409)
      case 'too-many':
        return c.json({ error: 'Cannot start another run: the device has too many already' }, 429)
      case 'gone':
        return c.json({ error: 'device is blocked' }, 403)
      case 'bound': {
        const reply: RegisterReply = {
          run_id: bound.run ?? '',
          device_id: caller.id,
          dns: [facts.gatewayIp],
          key_expires_at: tailnet.keyExpiresAt(caller.id),
          vars: ports.devices.variables(caller),
        }
        return c.json(reply)
      }
      default:
        return bound satisfies never
    }
  })
  app.post('/api/peer/tsnet/rotate-key', guard, async (c) => {
    const { tailnet } = ports
    const caller = c.get('caller')
    if (tailnet === undefined) return notFound(c)
    if (caller.transport !== 'tailscale')
      return c.json({ error: 'this device is none of the tailnet: join again' }, 409)
    try {
      const { key, expiresAt } = await tailnet.rotateKey(caller.id)
      const reply: RotateReply = { auth_key: key, expires_at: expiresAt }
      return c.json(reply)
    } catch (error) {
      if (!(error instanceof ClawError)) throw error
      return c.json({ error: error.message }, 502)
    }
  })
  return app
}
