import type { Secret } from '../../../contract/messages.ts'
import type { CredentialUse } from '../../../contract/profile.ts'
import { injectHttp, loginOf } from '../../../upstream/inject.ts'
import type { OutgoingRequest } from '../../../wire/http/upstream-call.ts'
import { loginFields, loginParameters } from './agent-login.ts'
import { readParameters, rewriteTarget } from './url-parameters.ts'

const quotaField = 'x-clickhouse-quota'

/**
 * Logs a request in with a credential; whoever the agent said it is, in whichever way, is left out.
 * @throws ClawError CP_SECRET when the secret cannot be sent
 */
export function fillLogin(request: OutgoingRequest, use: CredentialUse, secret: Secret): OutgoingRequest {
  const login = loginOf(use, secret)
  if (login === null) {
    injectHttp(use, secret, request)
    return request
  }
  const { user, password } = login
  const quota = request.headers.get(quotaField)
  const headers = request.headers.filter(({ lower }) => !loginFields.has(lower) && lower !== quotaField)
  const isHidden = (name: string) => loginParameters.has(name) || (quota !== undefined && name === 'quota_key')
  const parameters = readParameters(request.target)
  // the server takes one way to log in at a time, and counts the field of the quota to another one
  const added = quota === undefined ? [] : ([['quota_key', quota]] as const)
  const isChanged = added.length > 0 || parameters.all.some(({ name }) => isHidden(name.toLowerCase()))
  const target = isChanged ? rewriteTarget(parameters, (name) => !isHidden(name), added) : request.target
  if (user.includes(':')) {
    headers.set('X-ClickHouse-User', latin1(user))
    headers.set('X-ClickHouse-Key', latin1(password))
  } else headers.set('Authorization', `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`)
  return { ...request, target, headers }
}

/** Bytes of a text as a header holds them. */
function latin1(text: string): string {
  return Buffer.from(text).toString('latin1')
}
