import { ClawError } from '../../contract/errors.ts'
import type { CredentialRuntime } from '../../contract/plugin.ts'
import { slotOf } from '../slot.ts'
import type { postgresPassword as definition } from './definition.ts'

/** Logs in to a PostgreSQL server as its user. */
export const postgresPassword: CredentialRuntime<(typeof definition)['settings']> = {
  login: ({ user }) => {
    return (secret) => {
      if (user === undefined)
        throw new ClawError('CP_SECRET', 'the postgres_credential has no user', { hint: 'give it user = "…"' })
      return { user, password: slotOf(secret, '') }
    }
  },
}
