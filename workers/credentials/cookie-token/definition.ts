import { z } from 'zod'
import { field, text } from '../../contract/fields.ts'
import type { CredentialDefinition } from '../../contract/plugin.ts'

const settings = z.strictObject({
  cookie_name: field(
    text().refine((name) => /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name), {
      error: (issue) => `${JSON.stringify(issue.input)} is not a cookie name`,
    }),
    { doc: 'Cookie that carries the secret.', example: '"session"' },
  ),
})

/** Settings of a cookie_token credential. */
export type CookieTokenSettings = z.output<typeof settings>

/** `credential "cookie_token"`: Cookie: NAME=SECRET, beside what the agent sends. */
export const cookieToken: CredentialDefinition<typeof settings> = {
  kind: 'credential',
  type: 'cookie_token',
  summary: 'Cookie: NAME=SECRET',
  settings,
  slots: [{ name: '', label: 'cookie value' }],
  fills: ['http'],
  disambiguators: ['placeholder'],
  isServed: true,
}
