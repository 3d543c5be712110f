import { z } from 'zod'
import type { CredentialDefinition } from '../../contract/plugin.ts'

const settings = z.strictObject({})

/** Settings of a passthrough credential: none. */
export type PassthroughSettings = z.output<typeof settings>

/** `credential "passthrough"`: claims an endpoint that needs no secret; requests go as the agent made them. */
export const passthrough: CredentialDefinition<typeof settings> = {
  kind: 'credential',
  type: 'passthrough',
  summary: 'no secret: requests go as the agent made them',
  settings,
  slots: [],
  fills: [],
  disambiguators: [],
  isServed: true,
}
