import { z } from 'zod'
import { loginFields } from '../../contract/login-fields.ts'
import type { CredentialDefinition } from '../../contract/plugin.ts'

const settings = z.strictObject(loginFields)

/** Settings of a clickhouse_credential. */
export type ClickhousePasswordSettings = z.output<typeof settings>

/** `credential "clickhouse_credential"`: the gateway logs in with it; what the agent sends as a password is not looked at. */
export const clickhousePassword: CredentialDefinition<typeof settings> = {
  kind: 'credential',
  type: 'clickhouse_credential',
  summary: 'user and password of a ClickHouse server, over either protocol',
  settings,
  slots: [{ name: '', label: 'password' }],
  fills: ['login'],
  disambiguators: ['database', 'user'],
  isServed: true,
  ownDisambiguators: ['database', 'user'],
}
