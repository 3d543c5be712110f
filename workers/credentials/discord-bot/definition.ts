import { z } from 'zod'
import type { CredentialDefinition } from '../../contract/plugin.ts'

const placeholder = 'MTAwMDAwMDAwMDAwMDAwMDAwMA.clawpatrol-placeholder-do-not-use.xxxxxxxxxxxxxxxxxxxxxxxxxxx'

const settings = z.strictObject({})

/** Settings of discord_bot_token: none. */
export type DiscordBotSettings = z.output<typeof settings>

/** `credential "discord_bot_token"`: sets Authorization, and replaces the placeholder where the bot identifies itself. */
export const discordBot: CredentialDefinition<typeof settings> = {
  kind: 'credential',
  type: 'discord_bot_token',
  summary: 'a Discord bot: Authorization: Bot SECRET, and the placeholder inside WebSocket messages',
  settings,
  slots: [
    { name: '', label: 'bot token' },
    { name: 'bot', label: 'bot token, under its older name (optional)' },
  ],
  fills: ['http'],
  disambiguators: ['placeholder'],
  isServed: false,
  variables: [
    { name: 'DISCORD_TOKEN', value: placeholder, description: 'stands for the token of the Discord bot' },
    { name: 'DISCORD_BOT_TOKEN', value: placeholder, description: 'stands for the token of the Discord bot' },
  ],
}
