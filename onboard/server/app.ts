import type { Context } from 'hono'
import { Hono } from 'hono'
import { apiVersion, claimRequest, pollRequest, startRequest } from '../protocol.ts'
import type { JoinAttempts } from './attempts.ts'
import { bearerOf, type Caller, deviceRoutes } from './device-routes.ts'
import { readInput } from './input.ts'
import { type Limits, onboardLimits } from './limits.ts'
import type { OnboardPorts } from './ports.ts'

/** What the listener says about a request besides the request. */
export interface OnboardEnv {
  readonly Bindings: {
    /** Address the TCP connection came from; no header is believed. */
    readonly source: string
  }
  readonly Variables: { readonly caller: Caller }
}

/** Everything a stranger or a device may ask. Exact paths; anything else is one and the same 404. */
export type OnboardApp = Hono<OnboardEnv>

/**
 * The public side of the gateway as a function from request to response.
 * @param attempts shared with whoever approves
 */
export function createOnboardApp(ports: OnboardPorts, attempts: JoinAttempts): OnboardApp {
  const app = new Hono<OnboardEnv>()
  const limits = onboardLimits(ports.now)
  app.use(async (c, next) => {
    // one spelling for each path: no encoding, doubled slash or dot reaches a route
    if (!isPlain(new URL(c.req.url).pathname)) return notFound(c)
    await next()
    for (const [name, value] of securityHeaders) c.res.headers.set(name, value)
  })
  publicRoutes(app, ports, attempts, limits)
  app.route('/', deviceRoutes(ports, limits))
  for (const [path, method] of methods) app.all(path, (c) => c.text(method, 405, { allow: method }))
  app.notFound(notFound)
  app.onError((error, c) => {
    ports.onFault?.(error)
    return c.json({ error: 'the gateway failed' }, 500)
  })
  return app
}

const methods = [
  ['/api/onboard/start', 'POST'],
  ['/api/onboard/poll', 'POST'],
  ['/api/onboard/claim', 'POST'],
  ['/ca.crt', 'GET'],
  ['/info', 'GET'],
] as const

const securityHeaders = [
  ['cache-control', 'no-store'],
  ['x-content-type-options', 'nosniff'],
  ['x-frame-options', 'DENY'],
  ['referrer-policy', 'no-referrer'],
  ['content-security-policy', "default-src 'none'; frame-ancestors 'none'"],
  ['cross-origin-resource-policy', 'same-origin'],
] as const

function publicRoutes(app: OnboardApp, ports: OnboardPorts, attempts: JoinAttempts, limits: Limits): void {
  app.use('/api/onboard/*', outsideOnly(ports))
  for (const path of ['/ca.crt', '/info']) app.use(path, outsideOnly(ports))
  app.get('/ca.crt', (c) => c.body(ports.authority().pem, 200, { 'content-type': 'application/x-pem-file' }))
  app.get('/info', (c) =>
    c.json({ service: 'clawpatrol', api: apiVersion, ca_fingerprint: ports.authority().fingerprint }),
  )
  app.post('/api/onboard/start', async (c) => {
    const waitS = limits.start(c.env.source)
    if (waitS > 0) return tooMany(c, waitS)
    const request = await readInput(c, startRequest)
    if (request.kind === 'wrong') return c.json({ error: request.why }, request.status)
    const token = bearerOf(c)
    const device = token === null ? null : ports.devices.ofToken(token)
    const reply = attempts.start(request.value, { source: c.env.source, device })
    return reply === null ? tooMany(c, 60) : c.json(reply)
  })
  app.post('/api/onboard/poll', async (c) => {
    const waitS = limits.poll(c.env.source)
    if (waitS > 0) return tooMany(c, waitS)
    const request = await readInput(c, pollRequest)
    // says no more than for a code nobody has
    if (request.kind === 'wrong') return c.json({ error: 'expired_token' })
    const { device_code, nonce, wait_s } = request.value
    return c.json(await attempts.poll(device_code, nonce, (wait_s ?? 0) * 1000))
  })
  app.post('/api/onboard/claim', async (c) => {
    const waitS = limits.claim(c.env.source)
    if (waitS > 0) return tooMany(c, waitS)
    const request = await readInput(c, claimRequest)
    if (request.kind === 'wrong') return c.json({ error: request.why }, request.status)
    const { device_code, nonce, ip } = request.value
    const claimed = attempts.claim(device_code, nonce, ip ?? null)
    if (claimed === null) return c.json({ error: 'unknown or unapproved device_code' }, 404)
    if (claimed.kind === 'conflict') return c.json({ error: 'address belongs to another device' }, 409)
    const { enrolment, owner } = claimed
    return c.json({ owner, ip: enrolment.address4, hostname: enrolment.name })
  })
}

/** Wrapped agents are inside the tunnel: to them, strangers' routes do not exist. */
function outsideOnly(ports: OnboardPorts) {
  return async (c: Context<OnboardEnv>, next: () => Promise<void>) => {
    if (ports.isInsideTunnel(c.env.source)) return notFound(c)
    await next()
  }
}

function isPlain(path: string): boolean {
  return /^(\/[A-Za-z0-9._-]+)+$/.test(path)
}

function tooMany(c: Context<OnboardEnv>, waitS: number): Response {
  return c.json({ error: 'too many requests' }, 429, { 'retry-after': String(waitS) })
}

function notFound(c: Context<OnboardEnv>): Response {
  return c.text('404 not found\n', 404, Object.fromEntries(securityHeaders))
}
