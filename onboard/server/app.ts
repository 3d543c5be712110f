import type { Context } from 'hono'
import { Hono } from 'hono'
import { apiVersion } from '../protocol.ts'
import type { JoinAttempts } from './attempts.ts'
import { deviceRoutes } from './device-routes.ts'
import type { OnboardApp, OnboardEnv } from './env.ts'
import { joinPaths, joinRoutes } from './join-routes.ts'
import { type Limits, onboardLimits } from './limits.ts'
import { operatorRoutes } from './operator-routes.ts'
import type { OnboardPorts } from './ports.ts'
import { hasPlainPath, notFound, withSecurityHeaders } from './refusals.ts'

const methods = [
  ...joinPaths.map((path) => [path, 'POST'] as const),
  ['/ca.crt', 'GET'] as const,
  ['/info', 'GET'] as const,
]

/**
 * The gateway's side of onboarding as a function from request to response: what strangers, devices and operators may
 * ask over its own port and from the tailnet. The internet has an app of its own, `createFunnelApp`.
 * @param attempts shared with whoever approves
 * @param limits shared with the other app
 */
export function createOnboardApp(
  ports: OnboardPorts,
  attempts: JoinAttempts,
  limits: Limits = onboardLimits(ports.now),
): OnboardApp {
  const app = new Hono<OnboardEnv>()
  app.use(async (c, next) => (isServed(c, ports) ? next() : notFound(c)))
  app.use(withSecurityHeaders)
  for (const path of ['/api/onboard/*', '/ca.crt', '/info'])
    app.use(path, async (c, next) => (isOutside(c, ports) ? next() : notFound(c)))
  app.get('/ca.crt', (c) => c.body(ports.authority().pem, 200, { 'content-type': 'application/x-pem-file' }))
  app.get('/info', (c) =>
    c.json({ service: 'clawpatrol', api: apiVersion, ca_fingerprint: ports.authority().fingerprint }),
  )
  app.route('/', joinRoutes(ports, attempts, limits))
  app.route('/', operatorRoutes(ports, attempts, limits))
  app.route('/', deviceRoutes(ports, limits))
  for (const [path, method] of methods) app.all(path, (c) => c.text(method, 405, { allow: method }))
  app.notFound(notFound)
  app.onError((error, c) => {
    ports.onFault?.(error)
    return c.json({ error: 'the gateway failed' }, 500)
  })
  return app
}

/** Who comes from the tailnet without a node that is vouched for, or from the internet, finds nothing here. */
function isServed(c: Context<OnboardEnv>, ports: OnboardPorts): boolean {
  const { reach, node } = c.env
  const isKnown = reach === 'direct' || (reach === 'tailnet' && node !== null && ports.tailnet !== undefined)
  return isKnown && hasPlainPath(c)
}

/** Wrapped agents are inside the tunnel, or behind a device's node: to them, strangers' routes do not exist. */
function isOutside({ env }: Context<OnboardEnv>, ports: OnboardPorts): boolean {
  if (ports.isInsideTunnel(env.source)) return false
  return env.node === null || ports.tailnet?.deviceOf(env.node.stableId) === null
}
