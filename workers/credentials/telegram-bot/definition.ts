import { z } from 'zod'
import type { CredentialDefinition } from '../../contract/plugin.ts'

const settings = z.strictObject({})

/** Settings of telegram_bot_token: none. */
export type TelegramBotSettings = z.output<typeof settings>

/** `credential "telegram_bot_token"`: replaces the placeholder in path, query and body. */
export const telegramBot: CredentialDefinition<typeof settings> = {
  kind: 'credential',
  type: 'telegram_bot_token',
  summary: 'a Telegram bot: agents write the placeholder 0000000000:clawpatrol-placeholder-do-not-use for its token',
  settings,
  slots: [{ name: '', label: 'bot token' }],
  fills: ['http'],
  disambiguators: ['placeholder'],
  isServed: false,
}
