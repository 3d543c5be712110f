import { z } from 'zod'
import type { CredentialDefinition } from '../../contract/plugin.ts'

const settings = z.strictObject({})

/** Settings of slack_tokens: none. */
export type SlackTokensSettings = z.output<typeof settings>

/** `credential "slack_tokens"`: Authorization: Bearer of the bot, or of the app on the paths that want it. */
export const slackTokens: CredentialDefinition<typeof settings> = {
  kind: 'credential',
  type: 'slack_tokens',
  summary: 'tokens of a Slack app; also carries the messages of human approvers',
  settings,
  slots: [
    { name: 'bot', label: 'bot token, xoxb-' },
    { name: 'app', label: 'app token, xapp- (optional)' },
    { name: 'signing_secret', label: 'signing secret, for buttons in messages (optional)' },
  ],
  fills: ['http'],
  disambiguators: ['placeholder'],
  isServed: false,
}
