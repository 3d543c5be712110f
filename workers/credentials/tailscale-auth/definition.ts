import { z } from 'zod'
import type { CredentialDefinition } from '../../contract/plugin.ts'

const settings = z.strictObject({})

/** Settings of tailscale_auth: none. */
export type TailscaleAuthSettings = z.output<typeof settings>

/** `credential "tailscale_auth"`: keeps the identity a `tunnel "tailscale"` logged in with. */
export const tailscaleAuth: CredentialDefinition<typeof settings> = {
  kind: 'credential',
  type: 'tailscale_auth',
  summary: 'the identity of the node a tailscale tunnel runs; connected by logging in to the tailnet',
  settings,
  slots: [{ name: 'state', label: 'state of the node, written by the tunnel', multiline: true }],
  fills: [],
  disambiguators: [],
  isServed: false,
}
