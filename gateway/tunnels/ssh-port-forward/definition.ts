import { z } from 'zod'
import { field, reference, text } from '../../../workers/contract/fields.ts'
import type { SettingsProblem, TunnelDefinition } from '../../../workers/contract/plugin.ts'
import { hostPort } from '../../config/scalars.ts'
import { tunnelSchema } from '../common-settings.ts'

const settings = z.strictObject({
  ...tunnelSchema.shape,
  credential: field(reference(), {
    doc: 'Key or password for the bastion.',
    ref: 'credential',
    refTypes: ['ssh_key'],
    example: 'ssh_key.jump',
  }),
  user: field(
    text().refine((user) => user !== '', { error: 'must not be empty' }),
    {
      doc: 'User to log in as.',
      example: '"gate"',
    },
  ),
  bastion: field(hostPort().optional(), {
    doc: 'host:port of the SSH server that forwards; may be left out where via leads to one.',
    example: '"jump.example.com:22"',
  }),
})

/** Settings of an ssh_port_forward tunnel. */
export type SshPortForwardSettings = z.output<typeof settings>

/** `tunnel "ssh_port_forward"`: through an SSH server. */
export const sshPortForward: TunnelDefinition<typeof settings> = {
  kind: 'tunnel',
  type: 'ssh_port_forward',
  summary: 'connections forwarded by an SSH server',
  settings,
  check,
  defaultShare: 'singleton',
  isServed: false,
}

function check({ bastion, via }: SshPortForwardSettings): readonly SettingsProblem[] {
  if (bastion !== undefined || via !== undefined) return []
  return [{ path: ['bastion'], message: 'needs bastion = "host:port", or via = TUNNEL that leads to one' }]
}
