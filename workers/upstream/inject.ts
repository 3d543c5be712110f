import { ClawError } from '../contract/errors.ts'
import type { Secret } from '../contract/messages.ts'
import type { HttpInjection, Injections } from '../contract/plugin.ts'
import type { CredentialUse } from '../contract/profile.ts'
import { credentialRuntime } from '../credentials/runtimes.ts'
import type { HeaderList } from '../wire/http/header-list.ts'
import type { TlsMaterial } from './origin.ts'

/** A request head a credential is put into. */
export interface Injectable {
  readonly method: string
  readonly target: string
  readonly authority: string
  readonly headers: HeaderList
}

/** Whether the credential puts a secret into anything; one that does not has none to ask for. */
export function needsSecret({ type }: CredentialUse): boolean {
  const runtime = credentialRuntime(type)
  return runtime.http !== undefined || runtime.tls !== undefined || runtime.login !== undefined
}

/**
 * Puts a credential into a request head.
 * @throws ClawError CP_SECRET when the secret cannot be sent as it is: the request must not go out without it
 */
export function injectHttp(use: CredentialUse, secret: Secret, request: Injectable): void {
  const inject = credentialRuntime(use.type).http?.(use.settings)
  if (inject === undefined) return
  const { headers } = request
  const view: HttpInjection = {
    method: request.method,
    path: request.target,
    host: request.authority,
    get: (name) => headers.get(name),
    set: (name, value) => headers.set(name, value),
    delete: (name) => headers.delete(name),
  }
  try {
    inject(view, secret)
  } catch (error) {
    if (error instanceof ClawError) throw error
    // the cause may quote the value
    throw new ClawError('CP_SECRET', `the secret of credential "${use.name}" cannot be sent in a header`)
  }
}

/**
 * Certificate and key for the handshake, where the credential is one; null otherwise.
 * @throws ClawError CP_SECRET when a slot is missing
 */
export function tlsMaterial(use: CredentialUse, secret: Secret): TlsMaterial | null {
  return credentialRuntime(use.type).tls?.(use.settings)(secret) ?? null
}

/** Whether the credential is user and password of a session. */
export function fillsLogin({ type }: CredentialUse): boolean {
  return credentialRuntime(type).login !== undefined
}

/** Whether the credential is a client certificate. */
export function fillsTls({ type }: CredentialUse): boolean {
  return credentialRuntime(type).tls !== undefined
}

/**
 * User and password of a session, where the credential is one; null otherwise.
 * @throws ClawError CP_SECRET when either is missing
 */
export function loginOf(use: CredentialUse, secret: Secret): ReturnType<Injections['login']> | null {
  return credentialRuntime(use.type).login?.(use.settings)(secret) ?? null
}
