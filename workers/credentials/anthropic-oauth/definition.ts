import { z } from 'zod'
import type { CredentialDefinition } from '../../contract/plugin.ts'

const settings = z.strictObject({})

/** Settings of anthropic_oauth_subscription: none. */
export type AnthropicOauthSettings = z.output<typeof settings>

/** `credential "anthropic_oauth_subscription"`: Authorization: Bearer of a subscription, with the beta header that needs. */
export const anthropicOauth: CredentialDefinition<typeof settings> = {
  kind: 'credential',
  type: 'anthropic_oauth_subscription',
  summary: 'a Claude subscription, connected by signing in',
  settings,
  slots: [{ name: '', label: 'access token, kept by signing in' }],
  fills: ['http'],
  disambiguators: ['placeholder'],
  isServed: false,
  variables: [
    {
      name: 'ANTHROPIC_AUTH_TOKEN',
      value: 'sk-ant-oat01-clawpatrol-placeholder-do-not-use',
      description: 'stands for the token of the Claude subscription',
    },
  ],
  oauth: {
    flow: 'authorization_code',
    client: { kind: 'public', id: '9d1c250a-e61b-44d9-88ed-5944d1962f5e' },
    authorizeUrl: 'https://claude.ai/oauth/authorize',
    tokenUrl: 'https://console.anthropic.com/v1/oauth/token',
    redirectUrl: 'https://console.anthropic.com/oauth/code/callback',
    pkce: 'S256',
    scopes: ['org:create_api_key', 'user:profile', 'user:inference', 'user:sessions:claude_code'],
    optionalScopes: [],
    refreshTokenVariable: 'CLAUDE_REFRESH',
  },
}
