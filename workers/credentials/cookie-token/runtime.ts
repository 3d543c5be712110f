import { ClawError } from '../../contract/errors.ts'
import type { CredentialRuntime } from '../../contract/plugin.ts'
import { slotOf } from '../slot.ts'
import type { CookieTokenSettings, cookieToken as definition } from './definition.ts'

/** Sends the secret as a cookie beside the agent's own, in place of any of the same name. */
export const cookieToken: CredentialRuntime<(typeof definition)['settings']> = {
  http:
    ({ cookie_name: name }: CookieTokenSettings) =>
    (request, secret) => {
      if (name === undefined || name === '') return
      const value = slotOf(secret, '')
      // a semicolon would begin another cookie
      if (/[;\s]/.test(value)) throw new ClawError('CP_SECRET', 'the secret has characters no cookie value has')
      const others = (request.get('cookie') ?? '')
        .split(';')
        .map((pair) => pair.trim())
        .filter((pair) => pair !== '' && pair.split('=', 1)[0]?.trim() !== name)
      request.set('cookie', [...others, `${name}=${value}`].join('; '))
    },
}
