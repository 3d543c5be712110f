import { z } from 'zod'
import { field, text } from '../../contract/fields.ts'
import type { CredentialDefinition, SettingsProblem } from '../../contract/plugin.ts'

const settings = z.strictObject({
  cookie_name: field(
    text()
      .refine((name) => /^[!#$%&'*+.^_`|~0-9A-Za-z-]*$/.test(name), {
        error: (issue) => `${JSON.stringify(issue.input)} is not a cookie name`,
      })
      .optional(),
    { doc: 'Cookie that carries the secret.', fallback: 'nothing is filled in', example: '"session"' },
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
  check,
  slots: [{ name: '', label: 'cookie value' }],
  fills: ['http'],
  disambiguators: ['placeholder'],
  isServed: true,
}

function check({ cookie_name: name }: CookieTokenSettings): readonly SettingsProblem[] {
  // older files may have none, for a credential that does nothing
  if (name !== undefined && name !== '') return []
  return [{ path: ['cookie_name'], message: 'without cookie_name no secret is sent', severity: 'warning' }]
}
