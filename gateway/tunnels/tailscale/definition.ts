import { z } from 'zod'
import { field, text } from '../../../workers/contract/fields.ts'
import type { SettingsProblem, TunnelDefinition } from '../../../workers/contract/plugin.ts'
import { hostLabel, serviceUrl } from '../../config/scalars.ts'
import { secretText } from '../../config/secret-text.ts'
import { tunnelSchema } from '../common-settings.ts'

const filled = () => text().refine((value) => value !== '', { error: 'must not be empty' })

const secret = () => secretText().refine((value) => value !== '', { error: 'must not be empty' })

const tag = () =>
  text().refine((value) => /^tag:[a-z][a-z0-9-]{0,62}$/i.test(value), {
    error: (issue) =>
      `${JSON.stringify(issue.input)} is not a tag: write tag: and a name of letters, digits and hyphens`,
  })

const settings = z.strictObject({
  ...tunnelSchema.shape,
  credential: field(z.unknown().optional(), {
    doc: 'Keeps the identity of the node.',
    ref: 'credential',
    refTypes: ['tailscale_auth'],
    example: 'tailscale_auth.office',
  }),
  authkey: field(secret().optional(), {
    doc: 'Auth key it joins with; CLAWPATROL_TUNNEL_<NAME>_AUTHKEY of the gateway when it is not set.',
    example: '"{{secret:OFFICE_AUTHKEY}}"',
    secrets: true,
  }),
  oauth_client_secret: field(secret().optional(), {
    doc: 'OAuth client secret to make auth keys with, needs tags; or CLAWPATROL_TUNNEL_<NAME>_OAUTH_CLIENT_SECRET.',
    example: '"{{secret:OFFICE_OAUTH}}"',
    secrets: true,
  }),
  control_url: field(serviceUrl().optional(), {
    doc: 'Control server of the tailnet.',
    fallback: 'the one of Tailscale',
    example: '"https://control.example.com"',
  }),
  hostname: field(hostLabel().optional(), { doc: 'Name of the node.', fallback: 'clawpatrol-tunnel-<name>' }),
  state_dir: field(filled().optional(), { doc: 'Where the node keeps its identity when there is no credential.' }),
  tags: field(z.array(tag()).optional(), { doc: 'Tags of the node.', example: '["tag:gate"]' }),
})

/** Settings of a tailscale tunnel. */
export type TailscaleTunnelSettings = z.output<typeof settings>

/** `tunnel "tailscale"`: a node of a tailnet that the gateway runs. */
export const tailscale: TunnelDefinition<typeof settings> = {
  kind: 'tunnel',
  type: 'tailscale',
  summary: 'a node in a tailnet, run by the gateway',
  settings,
  check,
  defaultShare: 'singleton',
  isServed: false,
}

function check({ authkey, oauth_client_secret, tags }: TailscaleTunnelSettings): readonly SettingsProblem[] {
  const problems: SettingsProblem[] = []
  if (authkey !== undefined && oauth_client_secret !== undefined)
    problems.push({ path: ['oauth_client_secret'], message: 'has authkey and oauth_client_secret: use one' })
  if (oauth_client_secret !== undefined && (tags ?? []).length === 0)
    problems.push({
      path: ['oauth_client_secret'],
      message: 'oauth_client_secret needs tags: its keys are for tagged nodes',
    })
  return problems
}
