import { z } from 'zod'
import { field, text } from '../../contract/fields.ts'
import type { CredentialDefinition } from '../../contract/plugin.ts'

const settings = z.strictObject({
  user: field(loginName().optional(), {
    doc: 'User the gateway logs in as; picks this credential for agents that name this user.',
    example: '"agent_ro"',
  }),
  database: field(loginName().optional(), {
    doc: 'Picks this credential for sessions of this database.',
    example: '"orders"',
  }),
})

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
  isServed: false,
  ownDisambiguators: ['database', 'user'],
}

function loginName(): z.ZodType<string> {
  return text().refine((value) => value !== '' && !/\p{Cc}/u.test(value), {
    error: 'must not be empty or hold a control character',
  })
}
