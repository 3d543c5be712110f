import { Hono } from 'hono'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import { z } from 'zod'
import { ClawError } from '../../workers/contract/errors.ts'
import type { DeviceId, ProfileName } from '../../workers/contract/ids.ts'
import type { Device } from '../store/devices.ts'
import type { AdminPorts } from './ports.ts'
import { adminHost } from './socket.ts'

const approval = z.strictObject({ profile: z.string().min(1).max(128).nullable(), by: z.string().min(1).max(256) })
const pinning = z.strictObject({ mode: z.enum(['off', 'warn', 'enforce']).nullable() })
const operator = z.strictObject({ by: z.string().min(1).max(256) })
const rollback = z.strictObject({ revision: z.string().regex(/^[0-9a-f]{64}$/), by: z.string().min(1).max(256) })
const assignment = z.strictObject({ profile: z.string().min(1).max(128).nullable() })

/** What operators on this machine may ask, as a function from request to response. */
export function createAdminApp(ports: AdminPorts): Hono {
  const app = new Hono()
  const { joins, devices } = ports
  // whatever forwards a browser's requests here names the host it thinks it asks
  app.use(async (c, next) => {
    if (c.req.header('host') !== adminHost) return c.json({ error: 'this socket is for clawpatrol', hint: null }, 403)
    await next()
  })
  app.get('/joins', (c) => c.json({ joins: joins.pending(), ca_fingerprint: ports.caFingerprint() }))
  app.post('/joins/:code/approve', async (c) => {
    const { profile, by } = approval.parse(await c.req.json())
    const approved = await joins.approve(c.req.param('code'), { profile, approvedBy: by })
    return c.json({ ...approved, ca_fingerprint: ports.caFingerprint() })
  })
  app.post('/joins/:code/deny', async (c) => c.json({ join: await joins.deny(c.req.param('code')) }))
  app.get('/devices', (c) => c.json({ devices: devices.list().map((device) => show(ports, device)) }))
  app.get('/devices/:ref', (c) => c.json(show(ports, deviceNamed(ports, c.req.param('ref')))))
  app.post('/devices/:ref/block', async (c) => {
    const device = deviceNamed(ports, c.req.param('ref'))
    await devices.block(device.id)
    return c.json(show(ports, deviceNamed(ports, device.id)))
  })
  app.post('/devices/:ref/unblock', async (c) => {
    const device = deviceNamed(ports, c.req.param('ref'))
    await devices.unblock(device.id)
    return c.json(show(ports, deviceNamed(ports, device.id)))
  })
  app.post('/devices/:ref/profile', async (c) => {
    const { profile } = assignment.parse(await c.req.json())
    const device = deviceNamed(ports, c.req.param('ref'))
    if (profile !== null && !ports.profiles().includes(profile))
      throw new ClawError('CP_ONBOARD', `Unknown profile ${JSON.stringify(profile)}`, {
        hint: `the policy declares ${ports.profiles().join(', ') || 'none'}`,
      })
    devices.setProfile(device.id, profile as ProfileName | null)
    return c.json(show(ports, deviceNamed(ports, device.id)))
  })
  app.post('/devices/:ref/pin', async (c) => {
    const { mode } = pinning.parse(await c.req.json())
    const device = deviceNamed(ports, c.req.param('ref'))
    devices.setPin(device.id, mode)
    return c.json(show(ports, deviceNamed(ports, device.id)))
  })
  app.delete('/devices/:ref', async (c) => {
    const device = deviceNamed(ports, c.req.param('ref'))
    await devices.remove(device.id)
    return c.json({ id: device.id, name: device.name })
  })
  app.get('/status', (c) => c.json(ports.status()))
  app.get('/flows', (c) => c.json({ flows: ports.flows() }))
  app.get('/ca', (c) => c.json({ fingerprint: ports.caFingerprint() }))
  app.post('/reload', async (c) => {
    const text = await c.req.text()
    return c.json(await ports.reload(text === '' ? null : operator.parse(JSON.parse(text)).by))
  })
  app.post('/rollback', async (c) => {
    const { revision, by } = rollback.parse(await c.req.json())
    ports.expectRollback(revision, by)
    return c.json({ revision })
  })
  app.notFound((c) => c.json({ error: 'the gateway has no such command; is it of another version?', hint: null }, 404))
  app.onError((error, c) => {
    if (error instanceof ClawError) return c.json({ error: error.message, hint: error.hint }, 409)
    const status: ContentfulStatusCode = error instanceof z.ZodError || error instanceof SyntaxError ? 400 : 500
    return c.json({ error: status === 400 ? 'malformed command' : error.message, hint: null }, status)
  })
  return app
}

/** A device by id, or by a name only one has. */
function deviceNamed({ devices }: AdminPorts, ref: string): Device {
  const byId = devices.get(ref as DeviceId)
  if (byId !== null) return byId
  const named = devices.findByName(ref)
  const [only] = named
  if (only !== undefined && named.length === 1) return only
  if (only === undefined)
    throw new ClawError('CP_ONBOARD', `No device is called ${JSON.stringify(ref)}`, { hint: 'clawpatrol device list' })
  throw new ClawError('CP_ONBOARD', `${named.length} devices are called ${JSON.stringify(ref)}`, {
    hint: `name one by its id: ${named.map(({ id }) => id).join(', ')}`,
  })
}

function show({ devices, joinPin }: AdminPorts, device: Device): object {
  const peers = devices.peersOf(device.id).map(({ address4, address6, ephemeral, run, createdAt }) => ({
    address4,
    address6,
    ephemeral,
    run,
    createdAt,
  }))
  return { ...device, pinMode: device.pin ?? joinPin(), peers }
}
