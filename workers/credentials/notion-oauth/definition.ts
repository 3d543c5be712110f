import { z } from 'zod'
import type { CredentialDefinition } from '../../contract/plugin.ts'

const settings = z.strictObject({})

/** Settings of notion_oauth: none. */
export type NotionOauthSettings = z.output<typeof settings>

/** `credential "notion_oauth"`: a token of a Notion integration. */
export const notionOauth: CredentialDefinition<typeof settings> = {
  kind: 'credential',
  type: 'notion_oauth',
  summary: 'Authorization: Bearer SECRET, with a default Notion-Version, for the Notion API',
  settings,
  slots: [{ name: '', label: 'integration token' }],
  fills: ['http'],
  disambiguators: ['placeholder'],
  isServed: false,
}
