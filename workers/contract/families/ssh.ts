import type { Family } from '../plugin.ts'

/** What rules may read of something asked of an SSH server. */
export const ssh: Family = {
  name: 'ssh',
  facts: [
    {
      name: 'verb',
      type: 'string',
      doc: 'pty, exec, shell, subsystem, forward, reverse_forward, agent_forward, x11 or env.',
      folded: true,
    },
    { name: 'command', type: 'string', doc: 'Command line of exec.' },
    { name: 'subsystem', type: 'string', doc: 'Name of the subsystem, e.g. sftp.' },
    { name: 'forward_host', type: 'string', doc: 'Host a forward goes to.' },
    { name: 'forward_port', type: 'int', doc: 'Port a forward goes to.' },
    { name: 'user', type: 'string', doc: 'User name the agent logs in with.' },
    { name: 'stdin', type: 'string', doc: 'What is piped into shell or exec, up to 1 MiB.' },
  ],
}
