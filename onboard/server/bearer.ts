import type { Context } from 'hono'
import type { OnboardEnv } from './env.ts'

/** The bearer token of a request, null when there is none. */
export function bearerOf(c: Context<OnboardEnv>): string | null {
  const header = c.req.header('authorization') ?? ''
  return /^Bearer ([A-Za-z0-9_-]{20,200})$/.exec(header)?.[1] ?? null
}
