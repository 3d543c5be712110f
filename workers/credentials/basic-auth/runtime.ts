import type { CredentialRuntime } from '../../contract/plugin.ts'
import { slotOf } from '../slot.ts'
import type { BasicAuthSettings, basicAuth as definition } from './definition.ts'

/** Sends `Authorization: Basic` of user name and secret, in UTF-8. */
export const basicAuth: CredentialRuntime<(typeof definition)['settings']> = {
  http:
    ({ username }: BasicAuthSettings) =>
    (request, secret) => {
      const pair = Buffer.from(`${username}:${slotOf(secret, '')}`)
      request.set('authorization', `Basic ${pair.toString('base64')}`)
    },
}
