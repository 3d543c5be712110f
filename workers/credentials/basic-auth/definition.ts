import { z } from 'zod'
import { field, text } from '../../contract/fields.ts'
import type { CredentialDefinition } from '../../contract/plugin.ts'

const settings = z.strictObject({
  username: field(
    // RFC 7617: the first colon ends the user name
    text().refine((name) => !/[:\p{Cc}]/u.test(name), { error: 'must not contain a colon or a control character' }),
    { doc: 'User name sent with the secret as password.', example: '"deploy-bot"' },
  ),
})

/** Settings of a basic_auth credential. */
export type BasicAuthSettings = z.output<typeof settings>

/** `credential "basic_auth"`: Authorization: Basic of username and SECRET. */
export const basicAuth: CredentialDefinition<typeof settings> = {
  kind: 'credential',
  type: 'basic_auth',
  summary: 'Authorization: Basic base64(username:SECRET)',
  settings,
  slots: [{ name: '', label: 'password' }],
  fills: ['http'],
  disambiguators: ['placeholder'],
  isServed: true,
}
