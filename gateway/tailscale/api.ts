import type { z } from 'zod'
import { ClawError } from '../../workers/contract/errors.ts'
import type { EpochMs } from '../../workers/contract/ids.ts'
import { type ApiDevice, type ApiRoutes, devicesAnswer, keyAnswer, routesAnswer } from './answers.ts'
import { type ApiReply, type ApiRequest, askApi, refusalText } from './http.ts'
import { type OauthClient, oauthTokens } from './oauth.ts'

/** What the API is reached with. */
export interface ApiOptions {
  /** Without a slash at its end. */
  readonly apiUrl: string
  readonly oauth: OauthClient
  /** For one call with everything that belongs to it, ms. */
  readonly deadlineMs?: number
}

/** A key to be made. */
export interface KeyRequest {
  readonly reusable: boolean
  readonly ephemeral: boolean
  /** At least one. */
  readonly tags: readonly string[]
  readonly expirySeconds: number
  /** At most 50 letters, digits, spaces and hyphens. */
  readonly description: string
}

/** A key that was made. */
export interface MintedKey {
  readonly id: string
  readonly key: string
  readonly expiresAt: EpochMs
}

/** An answer of the API where a refusal is expected. */
export type Asked<T> =
  | { readonly kind: 'answered'; readonly value: T }
  | { readonly kind: 'refused'; readonly status: number; readonly because: string }

/**
 * The API of a tailnet, as far as the gateway uses it. Every call throws ClawError when there is no fit answer:
 * CP_ONBOARD when it says no, CP_UPSTREAM or CP_TIMEOUT when it does not answer, CP_CANCELLED when `signal` ends it.
 */
export interface TailscaleApi {
  mintKey(request: KeyRequest, signal?: AbortSignal): Promise<MintedKey>
  /** @returns false when there is no such key any more */
  deleteKey(id: string, signal?: AbortSignal): Promise<boolean>
  devices(signal?: AbortSignal): Promise<readonly ApiDevice[]>
  /** @returns false when there is no such node any more */
  deleteDevice(stableId: string, signal?: AbortSignal): Promise<boolean>
  routes(stableId: string, signal?: AbortSignal): Promise<Asked<ApiRoutes>>
  setRoutes(stableId: string, routes: readonly string[], signal?: AbortSignal): Promise<Asked<ApiRoutes>>
}

const deadlineMs = 30_000
const maxBytes = 64 * 1024
/** A list of thousands of nodes is longer than any other answer. */
const maxListBytes = 8 * 1024 * 1024

/** The API behind one URL with one OAuth client; its token is kept while it is good. */
export function tailscaleApi(options: ApiOptions): TailscaleApi {
  const { apiUrl, oauth } = options
  const tokens = oauthTokens(options)

  const call = async (what: string, method: ApiRequest['method'], path: string, more: Call): Promise<ApiReply> => {
    const signal = endOf(options.deadlineMs ?? deadlineMs, more.signal)
    const send = async (token: string): Promise<ApiReply> => {
      const json = more.body === undefined ? {} : { 'content-type': 'application/json' }
      const headers = { authorization: `Bearer ${token}`, ...json }
      const body = more.body === undefined ? {} : { body: JSON.stringify(more.body) }
      const url = `${apiUrl}/api/v2/${path}`
      return askApi({ what, method, url, headers, ...body, maxBytes: more.maxBytes ?? maxBytes, signal })
    }
    const token = await tokens.get(signal)
    const reply = await send(token)
    if (reply.status !== 401) return reply
    // revoked before its time: once more with a new one
    tokens.drop(token)
    return send(await tokens.get(signal))
  }
  const refusal = (what: string, reply: ApiReply) => refusalText(what, reply, [oauth.clientSecret, ...tokens.seen()])
  const must = (what: string, reply: ApiReply): ApiReply => {
    if (isFine(reply)) return reply
    throw new ClawError('CP_ONBOARD', refusal(what, reply))
  }
  const remove = async (what: string, path: string, signal?: AbortSignal): Promise<boolean> => {
    const reply = await call(what, 'DELETE', path, { signal })
    if (reply.status === 404) return false
    must(what, reply)
    return true
  }
  const askRoutes = async (method: 'GET' | 'POST', stableId: string, more: Call): Promise<Asked<ApiRoutes>> => {
    const reply = await call('routes', method, `device/${segment(stableId)}/routes`, more)
    if (!isFine(reply)) return { kind: 'refused', status: reply.status, because: refusal('routes', reply) }
    return { kind: 'answered', value: read('routes', routesAnswer, reply) }
  }

  return {
    async mintKey({ reusable, ephemeral, tags, expirySeconds, description }, signal) {
      if (tags.length === 0) throw new ClawError('CP_ONBOARD', 'tailscale key: refused to make a key without a tag')
      const create = { reusable, ephemeral, preauthorized: true, tags }
      const body = { capabilities: { devices: { create } }, expirySeconds, description }
      const askedAt = Date.now()
      const reply = must('key', await call('key', 'POST', 'tailnet/-/keys', { body, signal }))
      const { id, key, expires, capabilities } = read('key', keyAnswer, reply)
      if (key === '') throw new ClawError('CP_ONBOARD', 'tailscale key: the answer has no key')
      if (capabilities !== undefined && tags.some((tag) => !capabilities.devices.create.tags.includes(tag))) {
        await remove('key', `tailnet/-/keys/${segment(id)}`, signal)
        throw new ClawError('CP_ONBOARD', `tailscale key: the key made lacks a tag of ${tags.join(', ')}`)
      }
      const told = Date.parse(expires ?? '')
      return { id, key, expiresAt: (Number.isNaN(told) ? askedAt + expirySeconds * 1000 : told) as EpochMs }
    },
    deleteKey: async (id, signal) => remove('key', `tailnet/-/keys/${segment(id)}`, signal),
    async devices(signal) {
      const reply = await call('devices', 'GET', 'tailnet/-/devices?fields=all', { maxBytes: maxListBytes, signal })
      return read('devices', devicesAnswer, must('devices', reply)).devices
    },
    deleteDevice: async (stableId, signal) => remove('device', `device/${segment(stableId)}`, signal),
    routes: async (stableId, signal) => askRoutes('GET', stableId, { signal }),
    setRoutes: async (stableId, routes, signal) => askRoutes('POST', stableId, { body: { routes }, signal }),
  }
}

interface Call {
  readonly body?: unknown
  readonly maxBytes?: number
  readonly signal: AbortSignal | undefined
}

function endOf(deadlineMs: number, signal: AbortSignal | undefined): AbortSignal {
  const late = AbortSignal.timeout(deadlineMs)
  return signal === undefined ? late : AbortSignal.any([late, signal])
}

function isFine({ status }: ApiReply): boolean {
  return status >= 200 && status < 300
}

function read<S extends z.ZodType>(what: string, schema: S, { text }: ApiReply): z.output<S> {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    throw new ClawError('CP_ONBOARD', `tailscale ${what}: the answer is not JSON`)
  }
  const parsed = schema.safeParse(json)
  if (parsed.success) return parsed.data
  const where = parsed.error.issues[0]?.path.join('.') ?? ''
  throw new ClawError(
    'CP_ONBOARD',
    `tailscale ${what}: the answer has another form${where === '' ? '' : ` (${where})`}`,
  )
}

/** An id as one segment of a path, whatever is in it. */
function segment(id: string): string {
  if (id === '' || id === '.' || id === '..')
    throw new ClawError('CP_INTERNAL', `tailscale: ${JSON.stringify(id)} is no id`)
  return encodeURIComponent(id)
}
