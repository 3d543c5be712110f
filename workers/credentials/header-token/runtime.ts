import type { CredentialRuntime } from '../../contract/plugin.ts'
import { slotOf } from '../slot.ts'
import type { headerToken as definition, HeaderTokenSettings } from './definition.ts'

/** Sends the secret in a header of its own, in place of whatever the agent put there. */
export const headerToken: CredentialRuntime<(typeof definition)['settings']> = {
  http:
    ({ header, prefix = '' }: HeaderTokenSettings) =>
    (request, secret) =>
      request.set(header, `${prefix}${slotOf(secret, '')}`),
}
