import { z } from 'zod'
import { loginFields } from '../../contract/login-fields.ts'
import type { CredentialDefinition, SettingsProblem } from '../../contract/plugin.ts'

const settings = z.strictObject(loginFields)

/** Settings of a postgres_credential. */
export type PostgresPasswordSettings = z.output<typeof settings>

/** `credential "postgres_credential"`: the gateway logs in with it; what the agent sends as a password is not looked at. */
export const postgresPassword: CredentialDefinition<typeof settings> = {
  kind: 'credential',
  type: 'postgres_credential',
  summary: 'user and password of a PostgreSQL server',
  settings,
  check,
  slots: [{ name: '', label: 'password' }],
  fills: ['login'],
  disambiguators: ['user', 'database'],
  isServed: true,
  ownDisambiguators: ['user', 'database'],
}

function check({ user }: PostgresPasswordSettings): readonly SettingsProblem[] {
  if (user !== undefined) return []
  return [
    { path: ['user'], message: 'without user the gateway cannot log in: no session can start', severity: 'warning' },
  ]
}
