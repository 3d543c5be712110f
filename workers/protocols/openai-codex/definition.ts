import { z } from 'zod'
import { http } from '../../contract/families/http.ts'
import type { ProtocolDefinition } from '../../contract/plugin.ts'
import { caCert, hosts, upstream } from '../../contract/upstream-fields.ts'

const settings = z.strictObject({ hosts: hosts('["chatgpt.com"]'), upstream: upstream(), ca_cert: caCert() })

/** Settings of an openai_codex_https endpoint as a worker gets them. */
export type OpenaiCodexSettings = z.output<typeof settings>

const signIn = 'auth.openai.com'

/**
 * `endpoint "openai_codex_https"`: the back end of Codex. The identity it gives agents (CODEX_ACCESS_TOKEN,
 * CODEX_AGENT_IDENTITY, CODEX_AGENT_IDENTITY_AUTHAPI_BASE_URL) is minted by the gateway for each device, so no value of
 * it stands here.
 */
export const openaiCodex: ProtocolDefinition<typeof settings> = {
  kind: 'protocol',
  type: 'openai_codex_https',
  summary:
    'the back end of OpenAI Codex; also claims auth.openai.com; pushes CODEX_ACCESS_TOKEN, CODEX_AGENT_IDENTITY and ' +
    'CODEX_AGENT_IDENTITY_AUTHAPI_BASE_URL, minted for each device while it runs',
  settings,
  families: [http],
  accepts: ['http', 'tls'],
  hosts: ({ hosts }) => (hosts.some(isSignIn) ? hosts : [...hosts, signIn]),
  defaultPort: 443,
  opening: 'client-hello',
  isServed: false,
}

function isSignIn(host: string): boolean {
  const lower = host.toLowerCase()
  return lower === signIn || lower === `${signIn}:443`
}
