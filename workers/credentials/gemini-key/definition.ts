import { z } from 'zod'
import type { CredentialDefinition } from '../../contract/plugin.ts'

const settings = z.strictObject({})

/** Settings of gemini_api_key: none. */
export type GeminiKeySettings = z.output<typeof settings>

/** `credential "gemini_api_key"`: an API key of Google's Gemini API. */
export const geminiKey: CredentialDefinition<typeof settings> = {
  kind: 'credential',
  type: 'gemini_api_key',
  summary: 'x-goog-api-key: SECRET, for the Gemini API; also as the query parameter key where the agent sends one',
  settings,
  slots: [{ name: '', label: 'API key' }],
  fills: ['http'],
  disambiguators: ['placeholder'],
  isServed: false,
  variables: [
    {
      name: 'GOOGLE_API_KEY',
      value: 'AIzaClawpatrolPlaceholderDoNotUse00000000',
      description: 'stands for the Gemini API key',
    },
    {
      name: 'GEMINI_API_KEY',
      value: 'AIzaClawpatrolPlaceholderDoNotUse00000000',
      description: 'stands for the Gemini API key',
    },
  ],
}
