import { z } from 'zod'
import { field, text } from '../../contract/fields.ts'
import type { CredentialDefinition } from '../../contract/plugin.ts'

/** Headers that frame or route a request: a secret there would change what the request is. */
const framing = new Set(['connection', 'content-length', 'host', 'te', 'trailer', 'transfer-encoding', 'upgrade'])

const settings = z.strictObject({
  header: field(
    text()
      .refine((name) => /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name), {
        error: (issue) => `${JSON.stringify(issue.input)} is not a header name`,
      })
      .refine((name) => !framing.has(name.toLowerCase()), {
        error: (issue) => `${JSON.stringify(issue.input)} frames the request and cannot carry a secret`,
      }),
    { doc: 'Header that carries the secret.', example: '"X-Api-Key"' },
  ),
  prefix: field(
    text()
      .refine((value) => !/\p{Cc}/u.test(value), { error: 'must not contain a control character' })
      .optional(),
    { doc: 'Text put before the secret.', example: '"Token "', fallback: '""' },
  ),
})

/** Settings of a header_token credential. */
export type HeaderTokenSettings = z.output<typeof settings>

/** `credential "header_token"`: HEADER: PREFIX SECRET. */
export const headerToken: CredentialDefinition<typeof settings> = {
  kind: 'credential',
  type: 'header_token',
  summary: 'a header of your choice: PREFIX SECRET',
  settings,
  slots: [{ name: '', label: 'token' }],
  fills: ['http'],
  disambiguators: ['placeholder'],
  isServed: true,
}
