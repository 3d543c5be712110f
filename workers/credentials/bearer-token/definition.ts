import { z } from 'zod'
import { field, flag } from '../../contract/fields.ts'
import type { CredentialDefinition } from '../../contract/plugin.ts'

const settings = z.strictObject({
  idempotency_key: field(flag().optional(), {
    doc: 'Adds an Idempotency-Key header to writing requests that have none.',
    fallback: 'false',
  }),
})

/** Settings of a bearer_token credential. */
export type BearerTokenSettings = z.output<typeof settings>

/** `credential "bearer_token"`: Authorization: Bearer SECRET. */
export const bearerToken: CredentialDefinition<typeof settings> = {
  kind: 'credential',
  type: 'bearer_token',
  summary: 'Authorization: Bearer SECRET',
  settings,
  slots: [{ name: '', label: 'token' }],
  fills: ['http'],
  disambiguators: ['placeholder'],
  isServed: true,
}
