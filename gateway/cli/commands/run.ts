import type { Opening } from '../../../onboard/capture/masks.ts'
import { identityDir, loadIdentity } from '../../../onboard/client/identity.ts'
import { isWholeMachine } from '../../../onboard/client/whole-machine/marker.ts'
import { orExit2 } from '../client-failure.ts'
import type { Command, Invocation } from '../command.ts'
import { printError } from '../print.ts'

const openings: readonly Opening[] = ['containers', 'services', 'sessions', 'tailscale']

/** `clawpatrol run -- cmd` */
export const run: Command = {
  name: 'run',
  summary: 'run a command with all its network traffic through the gateway',
  args: [{ word: '[command...]', summary: 'the command and its arguments' }],
  options: [
    {
      flags: '--allow <group>',
      summary: `leave sockets reachable that lead around the tunnel: ${openings.join(', ')}`,
      repeatable: true,
    },
    { flags: '--wait-all', summary: 'wait for background processes too instead of ending them with the command' },
  ],
  passThrough: true,
  examples: ['clawpatrol run -- claude', 'clawpatrol run -- curl https://api.example.com'],
  exitCodes: [
    { code: 2, meaning: 'the tunnel could not be had; the command was not run' },
    { code: 126, meaning: 'the command cannot be executed' },
    { code: 127, meaning: 'there is no such command' },
  ],
  run: (invocation) => orExit2(() => runAs(invocation)),
}

async function runAs({ args, options }: Invocation): Promise<number> {
  const [command, ...rest] = args
  if (command === undefined) return wrongUse('no command to run', 'clawpatrol run -- <command> [arguments]')
  const wanted = (options.allow ?? []) as readonly string[]
  const allow = openings.filter((opening) => wanted.includes(opening))
  const unknown = wanted.find((each) => !allow.some((opening) => opening === each))
  if (unknown !== undefined)
    return wrongUse(`--allow knows no ${JSON.stringify(unknown)}`, `one of ${openings.join(', ')}`)
  const identity = loadIdentity(identityDir())
  const warn = (text: string) => printError(`clawpatrol: ${text}`)
  if (isWholeMachine(identity.dir)) {
    const { runDirect } = await import('../../../onboard/client/whole-machine/run-direct.ts')
    return await runDirect(identity, { words: [command, ...rest], warn })
  }
  const { runWrapped } = await import('../../../onboard/client/run.ts')
  return await runWrapped(identity, {
    words: [command, ...rest],
    allow,
    waitAll: options.waitAll === true,
    warn,
  })
}

function wrongUse(what: string, hint: string): number {
  printError(`clawpatrol: ${what}`)
  printError(`hint: ${hint}`)
  return 2
}
