import type { OnboardApp } from '../../onboard/server/env.ts'
import type { RequestOrigin } from '../../onboard/server/ports.ts'
import { aNonce, directly, type OnboardLab } from './onboarding.ts'

/** A join of a machine for the tailnet, as far as the client knows it. */
export interface Joining {
  readonly deviceCode: string
  readonly userCode: string
  readonly nonce: string
}

/** What is said besides what has to be. */
export interface Saying {
  readonly body?: object
  readonly origin?: RequestOrigin
  readonly token?: string
}

/** Sends JSON to an app. */
export async function send(
  app: OnboardApp,
  path: string,
  { body = {}, origin, token }: Saying = {},
): Promise<Response> {
  const headers: Record<string, string> = { 'content-type': 'application/json' }
  if (token !== undefined) headers.authorization = `Bearer ${token}`
  const init = { method: 'POST', headers, body: JSON.stringify(body) }
  return await app.request(path, init, origin ?? directly('192.0.2.7'))
}

/** Asks to join through the tailnet. */
export async function beginJoin(lab: OnboardLab, { body, origin, token }: Saying = {}): Promise<Joining> {
  const { nonce, hash } = aNonce()
  const said = { hostname: 'laptop', transport: 'tailscale', client_nonce_hash: hash, ...body }
  const reply = await send(lab.app, '/api/onboard/start', { body: said, ...present({ origin, token }) })
  const start = (await reply.json()) as { device_code: string; user_code: string }
  return { deviceCode: start.device_code, userCode: start.user_code, nonce }
}

/** An operator says yes. */
export function approveJoin(lab: OnboardLab, { userCode }: Joining) {
  return lab.attempts.approve(userCode, { profile: null, approvedBy: 'ops' })
}

/** The client asks how it went. */
export async function pollJoin(lab: OnboardLab, join: Joining, body: object = {}): Promise<Record<string, string>> {
  const said = { device_code: join.deviceCode, nonce: join.nonce, ...body }
  return (await (await send(lab.app, '/api/onboard/poll', { body: said })).json()) as Record<string, string>
}

/** The client says that it has saved everything. */
export function claimJoin(lab: OnboardLab, join: Joining, { body, origin }: Saying = {}): Promise<Response> {
  const said = { device_code: join.deviceCode, nonce: join.nonce, ...body }
  return send(lab.app, '/api/onboard/claim', { body: said, ...present({ origin }) })
}

/** A device of the tailnet that has joined. */
export async function joinedDevice(lab: OnboardLab, saying: Saying = {}) {
  const join = await beginJoin(lab, saying)
  const { enrolment } = await approveJoin(lab, join)
  const reply = await pollJoin(lab, join)
  return { join, device: enrolment.device, token: reply.api_token ?? '', key: reply.auth_key ?? '' }
}

function present<T extends object>(values: T): { readonly [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as never
}
