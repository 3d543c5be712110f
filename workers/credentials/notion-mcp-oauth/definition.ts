import { z } from 'zod'
import type { CredentialDefinition } from '../../contract/plugin.ts'

const settings = z.strictObject({})

/** Settings of notion_mcp_oauth: none. */
export type NotionMcpOauthSettings = z.output<typeof settings>

/** `credential "notion_mcp_oauth"`: Authorization: Bearer for mcp.notion.com. */
export const notionMcpOauth: CredentialDefinition<typeof settings> = {
  kind: 'credential',
  type: 'notion_mcp_oauth',
  summary: 'the MCP server of Notion, connected by signing in',
  settings,
  slots: [{ name: '', label: 'access token, kept by signing in' }],
  fills: ['http'],
  disambiguators: ['placeholder'],
  isServed: false,
  oauth: {
    flow: 'authorization_code',
    client: { kind: 'registered', registerUrl: 'https://mcp.notion.com/register' },
    authorizeUrl: 'https://mcp.notion.com/authorize',
    tokenUrl: 'https://mcp.notion.com/token',
    // nothing listens there: the operator pastes the address the browser ends at
    redirectUrl: 'http://localhost:8900/callback',
    pkce: 'S256',
    scopes: [],
    optionalScopes: [],
    refreshTokenVariable: null,
  },
}
