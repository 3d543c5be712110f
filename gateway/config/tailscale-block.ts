import { z } from 'zod'
import { field, flag, text } from '../../workers/contract/fields.ts'
import type { Report, Spot } from './diagnostics.ts'
import type { Body } from './hcl/syntax.ts'
import type { TailscaleSettings } from './policy.ts'
import { attributeOf } from './resolve.ts'
import { hostLabel, serviceUrl } from './scalars.ts'
import { secretText } from './secret-text.ts'

const defaultTag = 'tag:client'
const defaultApi = 'https://api.tailscale.com'

const operator = text().refine((value) => /^(\*|[^@*\s]+)@[^@*\s]+$/.test(value), {
  error: (issue) => `${JSON.stringify(issue.input)} is not an operator: write user@domain or *@domain`,
})

const tag = text().refine((value) => /^tag:[a-z][a-z0-9-]{0,62}$/i.test(value), {
  error: (issue) => `${JSON.stringify(issue.input)} is not a tag: write tag: and a name of letters, digits and hyphens`,
})

/** `tailscale { … }` */
export const tailscaleSchema = z.strictObject({
  authkey: field(secretText().optional(), {
    doc: 'Key the gateway joins the tailnet with, $TS_AUTHKEY when not set; {{secret:NAME}} is read when it starts.',
    example: '"{{secret:TAILNET_KEY}}"',
    secrets: true,
  }),
  hostname: field(hostLabel().optional(), { doc: 'Name in the tailnet.', fallback: 'clawpatrol-gateway' }),
  control_url: field(serviceUrl().optional(), {
    doc: 'Control server.',
    fallback: 'the one of Tailscale',
    example: '"https://control.example.com"',
  }),
  tags: field(
    z
      .array(tag)
      .refine((list) => list.length > 0, { error: 'is empty: a device without a tag would be its owner' })
      .refine((list) => list.length <= 32, { error: 'has more than 32 tags' })
      .optional(),
    { doc: 'Tags of the devices: keys made for them carry these.', fallback: `["${defaultTag}"]` },
  ),
  operators: field(z.array(operator).optional(), {
    doc: 'Who may operate the gateway from the tailnet: user@domain or *@domain.',
    fallback: 'nobody',
  }),
  funnel: field(flag().optional(), {
    doc: 'Makes the onboarding routes reachable from the internet.',
    fallback: 'false',
  }),
  oauth_client_id: field(secretText().optional(), {
    doc: 'OAuth client that makes and revokes keys for devices (scopes auth_keys, devices:core, devices:routes).',
    example: '"{{secret:TAILNET_CLIENT_ID}}"',
    secrets: true,
  }),
  oauth_client_secret: field(secretText().optional(), {
    doc: 'Its secret: {{secret:NAME}} is read when the gateway starts.',
    example: '"{{secret:TAILNET_CLIENT_SECRET}}"',
    secrets: true,
  }),
  api_url: field(serviceUrl().optional(), { doc: 'Where the API of the tailnet is.', fallback: defaultApi }),
  client_authkey: field(secretText().optional(), {
    doc: 'One tagged, reusable key for all devices, where there is no OAuth client; it cannot be revoked from here.',
    example: '"{{secret:TAILNET_DEVICE_KEY}}"',
    secrets: true,
  }),
})

/** Fills in defaults and checks what belongs together; undefined when something was wrong. */
export function tailscaleOf(
  report: Report,
  { file, body, spot }: { readonly file: number; readonly body: Body; readonly spot: Spot },
  input: z.output<typeof tailscaleSchema>,
): TailscaleSettings | undefined {
  const block = body.blocks.find(({ type }) => type === 'tailscale')
  const header = { file, span: block?.header ?? spot.span }
  const placeOf = (name: string): Spot => {
    const attribute = block === undefined ? undefined : attributeOf(block.body, name)
    return attribute === undefined ? header : { file, span: attribute.at }
  }
  const id = set(input.oauth_client_id)
  const key = set(input.oauth_client_secret)
  if ((id === null) !== (key === null)) {
    const [present, absent] = id === null ? ['secret', 'id'] : ['id', 'secret']
    report.error(placeOf(`oauth_client_${present}`), `oauth_client_${present} is set, oauth_client_${absent} is not`, {
      hint: `an OAuth client has both: add oauth_client_${absent} = "{{secret:TAILNET_CLIENT_${absent?.toUpperCase()}}}"`,
    })
    return undefined
  }
  const clientAuthkey = set(input.client_authkey)
  if (id === null && clientAuthkey === null)
    report.warn(header, 'no device can join through the tailnet: nothing makes keys for them', {
      hint: 'set oauth_client_id and oauth_client_secret, or client_authkey',
    })
  const apiUrl = input.api_url ?? defaultApi
  if (id !== null && apiUrl.toLowerCase().startsWith('http:'))
    report.warn(placeOf('api_url'), 'the OAuth client secret travels unencrypted', { hint: 'use an https URL' })
  if (id !== null && input.control_url !== undefined && input.api_url === undefined)
    report.warn(placeOf('control_url'), `keys are made by ${defaultApi}, which knows nothing of this control server`, {
      hint: 'set api_url to the API of the same tailnet, or client_authkey instead of an OAuth client',
    })
  return {
    authkey: set(input.authkey),
    hostname: input.hostname ?? 'clawpatrol-gateway',
    controlUrl: input.control_url ?? '',
    tags: input.tags === undefined ? [defaultTag] : [...new Set(input.tags)],
    operators: input.operators ?? [],
    funnel: input.funnel ?? false,
    oauth: id === null || key === null ? null : { clientId: id, clientSecret: key },
    apiUrl,
    clientAuthkey,
  }
}

function set(value: string | undefined): string | null {
  return value === undefined || value === '' ? null : value
}
