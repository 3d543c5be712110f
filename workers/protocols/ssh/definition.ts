import { z } from 'zod'
import { ssh as family } from '../../contract/families/ssh.ts'
import type { ProtocolDefinition } from '../../contract/plugin.ts'
import { hosts } from '../../contract/upstream-fields.ts'

const settings = z.strictObject({ hosts: hosts('["builder.example.com:22"]') })

/** Settings of an ssh endpoint as a worker gets them. */
export type SshSettings = z.output<typeof settings>

/** `endpoint "ssh"`: an SSH server; agents see a host key of the gateway, one for each endpoint. */
export const ssh: ProtocolDefinition<typeof settings> = {
  kind: 'protocol',
  type: 'ssh',
  summary: 'an SSH server',
  settings,
  families: [family],
  accepts: ['ssh'],
  hosts: ({ hosts }) => hosts,
  defaultPort: 22,
  opening: 'own',
  isServed: false,
}
