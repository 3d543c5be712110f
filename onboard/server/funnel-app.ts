import { Hono } from 'hono'
import type { JoinAttempts } from './attempts.ts'
import type { OnboardApp, OnboardEnv } from './env.ts'
import { joinPaths, joinRoutes } from './join-routes.ts'
import { type Limits, onboardLimits } from './limits.ts'
import type { OnboardPorts } from './ports.ts'
import { hasPlainPath, notFound, withSecurityHeaders } from './refusals.ts'

/** Everything the internet may ask, whole and in one place: nothing else gets as far as a route. */
const allowed = [
  /^\/api\/onboard\/(?:start|poll|claim)$/,
  // callbacks of credentials; nothing answers here while no credential has any
  /^\/api\/cred\/[A-Za-z0-9._-]+(?:\/[A-Za-z0-9._-]+)*$/,
  // an operation that waits for a person; nothing answers here while there are none
  /^\/api\/hitl\/operations\/[A-Za-z0-9._-]+\/status$/,
]

/**
 * What strangers on the internet may ask through Funnel. Operators', devices' and the gateway's own routes are not
 * part of this app: they cannot be reached by any mistake in it.
 * @param limits shared with the other app
 */
export function createFunnelApp(
  ports: OnboardPorts,
  attempts: JoinAttempts,
  limits: Limits = onboardLimits(ports.now),
): OnboardApp {
  const app = new Hono<OnboardEnv>()
  app.use(async (c, next) => {
    const isAllowed = c.env.reach === 'funnel' && hasPlainPath(c) && allowed.some((path) => path.test(c.req.path))
    return isAllowed ? next() : notFound(c)
  })
  app.use(withSecurityHeaders)
  app.route('/', joinRoutes(ports, attempts, limits))
  for (const path of joinPaths) app.all(path, (c) => c.text('POST', 405, { allow: 'POST' }))
  app.notFound(notFound)
  app.onError((error, c) => {
    ports.onFault?.(error)
    return c.json({ error: 'the gateway failed' }, 500)
  })
  return app
}
