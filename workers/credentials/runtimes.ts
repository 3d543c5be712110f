import { ClawError } from '../contract/errors.ts'
import type { CredentialRuntime, Injections } from '../contract/plugin.ts'
import { basicAuth } from './basic-auth/runtime.ts'
import { bearerToken } from './bearer-token/runtime.ts'
import { clickhousePassword } from './clickhouse-password/runtime.ts'
import { cookieToken } from './cookie-token/runtime.ts'
import { headerToken } from './header-token/runtime.ts'
import { mtls } from './mtls/runtime.ts'
import { passthrough } from './passthrough/runtime.ts'
import { postgresPassword } from './postgres-password/runtime.ts'

/** A credential's code for settings that were checked against its schema before they came here. */
export interface LoadedCredential {
  readonly http?: (settings: unknown) => Injections['http']
  readonly tls?: (settings: unknown) => Injections['tls']
  readonly login?: (settings: unknown) => Injections['login']
}

const runtimes: { readonly [type: string]: CredentialRuntime } = {
  basic_auth: basicAuth as CredentialRuntime,
  bearer_token: bearerToken as CredentialRuntime,
  clickhouse_credential: clickhousePassword as CredentialRuntime,
  cookie_token: cookieToken as CredentialRuntime,
  header_token: headerToken as CredentialRuntime,
  mtls_credential: mtls as CredentialRuntime,
  passthrough: passthrough as CredentialRuntime,
  postgres_credential: postgresPassword as CredentialRuntime,
}

/**
 * The code of a credential type.
 * @throws ClawError CP_SECRET for a type that has none: nothing is sent without its credential
 */
export function credentialRuntime(type: string): LoadedCredential {
  const runtime = Object.hasOwn(runtimes, type) ? runtimes[type] : undefined
  if (runtime === undefined) throw new ClawError('CP_SECRET', `cannot use credential type "${type}": it has no runtime`)
  return runtime
}
