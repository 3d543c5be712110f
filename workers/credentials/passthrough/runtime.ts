import type { CredentialRuntime } from '../../contract/plugin.ts'
import type { passthrough as definition } from './definition.ts'

/** Puts nothing into a request. */
export const passthrough: CredentialRuntime<(typeof definition)['settings']> = {}
