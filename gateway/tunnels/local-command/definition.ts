import { z } from 'zod'
import { field, text, texts } from '../../../workers/contract/fields.ts'
import type { TunnelDefinition } from '../../../workers/contract/plugin.ts'
import { hostPort, positiveDuration } from '../../config/scalars.ts'
import { tunnelSchema } from '../common-settings.ts'

const settings = z.strictObject({
  ...tunnelSchema.shape,
  command: field(
    texts().refine((words) => words.length > 0 && words[0] !== '', { error: 'must name a program' }),
    {
      doc: 'Program and its arguments; started without a shell.',
      example: '["cloud-sql-proxy", "acme:eu:main"]',
    },
  ),
  listen: field(hostPort(), { doc: 'Where the program takes connections, host:port.', example: '"127.0.0.1:15432"' }),
  ready_probe: field(z.enum(['tcp', 'none']).optional(), {
    doc: 'How one tells that it is ready: tcp connects to listen, none does not wait.',
    fallback: '"tcp"',
  }),
  ready_timeout: field(positiveDuration().optional(), {
    doc: 'How long it may take to be ready.',
    unit: 'duration',
    fallback: '"30s"',
  }),
  env: field(
    z.record(z.string(), text()).refine(hasNames, { error: 'has a name that no variable can have' }).optional(),
    {
      doc: 'Variables of its environment; {{secret:NAME}} stands for a secret.',
      example: '{ GOOGLE_APPLICATION_CREDENTIALS = "/run/gcp.json" }',
      secrets: true,
    },
  ),
})

/** Settings of a local_command tunnel. */
export type LocalCommandSettings = z.output<typeof settings>

/** `tunnel "local_command"`: a program of the gateway host that forwards a port. */
export const localCommand: TunnelDefinition<typeof settings> = {
  kind: 'tunnel',
  type: 'local_command',
  summary: 'a program on the gateway host that listens on a port and forwards it',
  settings,
  defaultShare: 'singleton',
  isServed: false,
}

function hasNames(env: { readonly [name: string]: string }): boolean {
  return Object.keys(env).every((name) => /^[A-Za-z_][A-Za-z0-9_]*$/.test(name))
}
