import { identityDir, loadIdentity } from '../../../onboard/client/identity.ts'
import { orExit2 } from '../client-failure.ts'
import type { Command } from '../command.ts'
import { printError } from '../print.ts'

/** `clawpatrol run -- cmd` */
export const run: Command = {
  name: 'run',
  summary: 'run a command with all its network traffic through the gateway',
  args: [{ word: '[command...]', summary: 'the command and its arguments' }],
  passThrough: true,
  examples: ['clawpatrol run -- claude', 'clawpatrol run -- curl https://api.example.com'],
  exitCodes: [
    { code: 2, meaning: 'the tunnel could not be had; the command was not run' },
    { code: 126, meaning: 'the command cannot be executed' },
    { code: 127, meaning: 'there is no such command' },
  ],
  run: ({ args }) =>
    orExit2(async () => {
      const [command, ...rest] = args
      if (command === undefined) {
        printError('clawpatrol: no command to run')
        printError('hint: clawpatrol run -- <command> [arguments]')
        return 2
      }
      const identity = loadIdentity(identityDir())
      const { runWrapped } = await import('../../../onboard/client/run.ts')
      return await runWrapped(identity, [command, ...rest])
    }),
}
