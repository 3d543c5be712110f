import type { CredentialRuntime } from '../../contract/plugin.ts'
import { slotOf } from '../slot.ts'
import type { clickhousePassword as definition } from './definition.ts'

/** Logs in to a ClickHouse server as its user; without one as the server's own `default`. */
export const clickhousePassword: CredentialRuntime<(typeof definition)['settings']> = {
  login:
    ({ user = 'default' }) =>
    (secret) => ({ user, password: slotOf(secret, '') }),
}
