import { z } from 'zod'
import type { CredentialDefinition } from '../../contract/plugin.ts'

const settings = z.strictObject({})

/** Settings of anthropic_manual_key: none. */
export type AnthropicKeySettings = z.output<typeof settings>

/** `credential "anthropic_manual_key"`: an API key of Anthropic. Pushes no variable: agents that sign in themselves would stop doing so. */
export const anthropicKey: CredentialDefinition<typeof settings> = {
  kind: 'credential',
  type: 'anthropic_manual_key',
  summary: 'x-api-key: SECRET, for the Anthropic API',
  settings,
  slots: [{ name: '', label: 'API key' }],
  fills: ['http'],
  disambiguators: ['placeholder'],
  isServed: false,
}
