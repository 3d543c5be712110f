import { z } from 'zod'
import type { CredentialDefinition } from '../../contract/plugin.ts'

const settings = z.strictObject({})

/** Settings of ssh_key: none. */
export type SshKeySettings = z.output<typeof settings>

/** `credential "ssh_key"`: how the gateway logs in, and optionally the host key it insists on. */
export const sshKey: CredentialDefinition<typeof settings> = {
  kind: 'credential',
  type: 'ssh_key',
  summary: 'a key or a password for an SSH server; the user name stays the one the agent logs in with',
  settings,
  slots: [
    { name: 'private_key', label: 'private key, PEM or OpenSSH', multiline: true },
    { name: 'passphrase', label: 'passphrase of the private key (optional)' },
    { name: 'password', label: 'password (instead of a key)' },
    {
      name: 'host_pubkey',
      label: 'host key to insist on, as in known_hosts without the host name (optional)',
      multiline: true,
    },
  ],
  fills: ['ssh'],
  disambiguators: ['user'],
  isServed: false,
}
