import type { CredentialDefinition } from '../contract/plugin.ts'
import { anthropicKey } from './anthropic-key/definition.ts'
import { anthropicOauth } from './anthropic-oauth/definition.ts'
import { aws } from './aws/definition.ts'
import { basicAuth } from './basic-auth/definition.ts'
import { bearerToken } from './bearer-token/definition.ts'
import { clickhousePassword } from './clickhouse-password/definition.ts'
import { cookieToken } from './cookie-token/definition.ts'
import { discordBot } from './discord-bot/definition.ts'
import { geminiKey } from './gemini-key/definition.ts'
import { githubOauth } from './github-oauth/definition.ts'
import { googleGke } from './google-gke/definition.ts'
import { headerToken } from './header-token/definition.ts'
import { mtls } from './mtls/definition.ts'
import { notionMcpOauth } from './notion-mcp-oauth/definition.ts'
import { notionOauth } from './notion-oauth/definition.ts'
import { openaiCodexOauth } from './openai-codex-oauth/definition.ts'
import { passthrough } from './passthrough/definition.ts'
import { postgresPassword } from './postgres-password/definition.ts'
import { slackTokens } from './slack-tokens/definition.ts'
import { sshKey } from './ssh-key/definition.ts'
import { tailscaleAuth } from './tailscale-auth/definition.ts'
import { telegramBot } from './telegram-bot/definition.ts'

/** Every credential type there is, one line each. */
export const credentials: readonly CredentialDefinition[] = [
  anthropicKey,
  anthropicOauth,
  aws,
  basicAuth,
  bearerToken,
  clickhousePassword,
  cookieToken,
  discordBot,
  geminiKey,
  githubOauth,
  googleGke,
  headerToken,
  mtls,
  notionMcpOauth,
  notionOauth,
  openaiCodexOauth,
  passthrough,
  postgresPassword,
  slackTokens,
  sshKey,
  tailscaleAuth,
  telegramBot,
]

/** The credential type a `credential "<type>"` block names; undefined for an unknown type. */
export function credentialNamed(type: string): CredentialDefinition | undefined {
  return credentials.find((credential) => credential.type === type)
}
