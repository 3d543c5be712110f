import type { CredentialDefinition } from '../contract/plugin.ts'
import { basicAuth } from './basic-auth/definition.ts'
import { bearerToken } from './bearer-token/definition.ts'
import { cookieToken } from './cookie-token/definition.ts'
import { headerToken } from './header-token/definition.ts'
import { mtls } from './mtls/definition.ts'
import { passthrough } from './passthrough/definition.ts'

/** Every credential type there is, one line each. */
export const credentials: readonly CredentialDefinition[] = [
  basicAuth,
  bearerToken,
  cookieToken,
  headerToken,
  mtls,
  passthrough,
]

/** The credential type a `credential "<type>"` block names; undefined for an unknown type. */
export function credentialNamed(type: string): CredentialDefinition | undefined {
  return credentials.find((credential) => credential.type === type)
}
