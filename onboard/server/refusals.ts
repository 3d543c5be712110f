import type { Context } from 'hono'
import type { OnboardEnv } from './env.ts'

/** Headers of every answer. */
export const securityHeaders = [
  ['cache-control', 'no-store'],
  ['x-content-type-options', 'nosniff'],
  ['x-frame-options', 'DENY'],
  ['referrer-policy', 'no-referrer'],
  ['content-security-policy', "default-src 'none'; frame-ancestors 'none'"],
  ['cross-origin-resource-policy', 'same-origin'],
] as const

/** One and the same answer for whatever is not there. */
export function notFound(c: Context<OnboardEnv>): Response {
  return c.text('404 not found\n', 404, Object.fromEntries(securityHeaders))
}

/** Says when to ask again. */
export function tooMany(c: Context<OnboardEnv>, waitS: number): Response {
  return c.json({ error: 'too many requests' }, 429, { 'retry-after': String(waitS) })
}

/** Lets only paths in their one spelling through: no encoding, doubled slash or dot reaches a route. */
export function hasPlainPath(c: Context<OnboardEnv>): boolean {
  return /^(\/[A-Za-z0-9._-]+)+$/.test(new URL(c.req.url).pathname)
}

/** Puts the headers on whatever a route answered. */
export async function withSecurityHeaders(c: Context<OnboardEnv>, next: () => Promise<void>): Promise<void> {
  await next()
  for (const [name, value] of securityHeaders) c.res.headers.set(name, value)
}
