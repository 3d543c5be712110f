import { z } from 'zod'
import type { CredentialDefinition } from '../../contract/plugin.ts'

const settings = z.strictObject({})

/** Settings of openai_codex_oauth: none. */
export type OpenaiCodexOauthSettings = z.output<typeof settings>

/** `credential "openai_codex_oauth"`: Authorization: Bearer and chatgpt-account-id from the token; not sent to auth.openai.com. The variables agents
 * need come with the endpoint. */
export const openaiCodexOauth: CredentialDefinition<typeof settings> = {
  kind: 'credential',
  type: 'openai_codex_oauth',
  summary: 'a ChatGPT subscription for Codex, connected by signing in',
  settings,
  slots: [{ name: '', label: 'access token, kept by signing in' }],
  fills: ['http'],
  disambiguators: ['placeholder'],
  isServed: false,
  oauth: {
    flow: 'device',
    dialect: 'exchange',
    client: { kind: 'public', id: 'app_EMoamEEZ73f0CkXaXp7hrann' },
    startUrl: 'https://auth.openai.com/api/accounts/deviceauth/usercode',
    pollUrl: 'https://auth.openai.com/api/accounts/deviceauth/token',
    exchange: {
      tokenUrl: 'https://auth.openai.com/oauth/token',
      redirectUrl: 'https://auth.openai.com/deviceauth/callback',
    },
    scopes: ['openid', 'profile', 'email', 'offline_access'],
    optionalScopes: [],
    refreshTokenVariable: 'CODEX_REFRESH',
  },
}
