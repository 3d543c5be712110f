import { ClawError } from '../../workers/contract/errors.ts'
import type { PushedVariable, SessionReply } from '../protocol.ts'
import { type GatewayHttp, jsonOf, type Reply } from './gateway-http.ts'
import type { Identity } from './identity.ts'

const openMs = 15_000
const closeMs = 3000

/** A peer for one run, open at the gateway. */
export interface RunSession {
  readonly reply: SessionReply
  /** Removes the peer; failures are ignored: the gateway sweeps silent peers. */
  close(): Promise<void>
}

/**
 * Asks for a peer of its own for one run; the private key stays here.
 * @throws ClawError CP_ONBOARD saying why the gateway refused
 */
export async function openSession(
  http: GatewayHttp,
  identity: Identity,
  request: { readonly publicKey: string; readonly name: string; readonly signal: AbortSignal },
): Promise<RunSession> {
  const { token } = identity
  const answer = await http.ask({
    method: 'POST',
    path: '/api/sessions',
    token,
    body: { pubkey: request.publicKey, name: request.name },
    timeoutMs: openMs,
    signal: request.signal,
  })
  const reply = answer.status === 200 ? sessionOf(jsonOf(answer)) : null
  if (reply === null) throw refused(answer)
  return {
    reply,
    async close() {
      const path = `/api/sessions/${encodeURIComponent(reply.id)}`
      const ask = { method: 'DELETE', path, token, timeoutMs: closeMs } as const
      // again over a new connection: the kept one may have been closed just as it was used
      await http
        .ask(ask)
        .catch(() => http.ask(ask))
        .catch(() => undefined)
    },
  }
}

/** The variables in an answer, malformed ones left out. */
export function variablesOf(value: unknown): readonly PushedVariable[] {
  if (!Array.isArray(value)) return []
  return (value as readonly Partial<PushedVariable>[]).flatMap((entry) => {
    const { name, value: text, description = '', plugin_type = '' } = entry ?? {}
    if (typeof name !== 'string' || typeof text !== 'string' || text.includes('\0')) return []
    if (!/^[A-Za-z_][A-Za-z0-9_]{0,127}$/.test(name)) return []
    return [{ name, value: text, description: String(description), plugin_type: String(plugin_type) }]
  })
}

/** What a refusal of a device's request means. */
export function refused(answer: Reply): ClawError {
  const error = jsonOf(answer)?.error
  const said = typeof error === 'string' && error !== '' ? error.slice(0, 200) : `status ${answer.status}`
  if (answer.status === 401)
    return new ClawError('CP_ONBOARD', 'The gateway does not know this device any more', {
      hint: 'run clawpatrol join <gateway-url> again',
    })
  if (answer.status === 403 && error === 'device is blocked')
    return new ClawError('CP_ONBOARD', 'The gateway has blocked this device', {
      hint: 'ask the operator of the gateway: clawpatrol device unblock <name>',
    })
  if (answer.status >= 500)
    return new ClawError('CP_ONBOARD', 'The gateway failed to answer', {
      hint: 'its log says why: ask the operator of the gateway',
    })
  return new ClawError('CP_ONBOARD', `The gateway refused: ${said}`)
}

// by hand and not by zod: loading it would be a third of what `run` takes
function sessionOf(value: { readonly [field: string]: unknown } | null): SessionReply | null {
  if (value === null) return null
  const { id, address, address6, server_public_key, endpoint, mtu, dns, keepalive, expires_in } = value
  const isText = [id, address, address6, server_public_key, endpoint].every((each) => typeof each === 'string')
  const isNumber = [mtu, keepalive, expires_in].every((each) => Number.isInteger(each) && Number(each) >= 0)
  const isDns = Array.isArray(dns) && dns.every((each) => typeof each === 'string')
  if (!isText || !isNumber || !isDns || !(Number(mtu) >= 1280 && Number(mtu) <= 65535)) return null
  return { ...(value as unknown as SessionReply), vars: variablesOf(value.vars) }
}
