import { Command as Program } from 'commander'
import { type Command, register } from './command.ts'
import { printFailure } from './print.ts'

/**
 * Commands by name, in the order help lists them: policy, gateway, its devices, an agent's machine. Each is imported
 * only when it is called or when help lists them all.
 */
const commands: { readonly [name: string]: () => Promise<Command> } = {
  init: async () => (await import('./commands/init.ts')).init,
  validate: async () => (await import('./commands/validate.ts')).validate,
  test: async () => (await import('./commands/test.ts')).test,
  explain: async () => (await import('./commands/explain.ts')).explain,
  'what-if': async () => (await import('./commands/what-if.ts')).whatIf,
  gateway: async () => (await import('./commands/gateway.ts')).gateway,
  reload: async () => (await import('./commands/reload.ts')).reload,
  history: async () => (await import('./commands/history.ts')).history,
  rollback: async () => (await import('./commands/rollback.ts')).rollback,
  dev: async () => (await import('./commands/dev.ts')).dev,
  device: async () => (await import('./commands/device.ts')).device,
  profile: async () => (await import('./commands/profile.ts')).profile,
  secret: async () => (await import('./commands/secret.ts')).secret,
  logs: async () => (await import('./commands/logs.ts')).logs,
  status: async () => (await import('./commands/status.ts')).status,
  join: async () => (await import('./commands/join.ts')).join,
  login: async () => (await import('./commands/login.ts')).login,
  run: async () => (await import('./commands/run.ts')).run,
  env: async () => (await import('./commands/env.ts')).env,
  uninstall: async () => (await import('./commands/uninstall.ts')).uninstall,
  version: async () => (await import('./commands/version.ts')).version,
}

/**
 * Runs one command line.
 * @param words what follows `clawpatrol`
 * @returns the exit code: 0 done, 1 failed, 2 wrong usage, or the wrapped command's own
 */
export async function main(words: readonly string[]): Promise<number> {
  let code = 0
  const program = new Program('clawpatrol')
    .description('The security gateway for AI agents that touch production')
    .enablePositionalOptions()
    .helpCommand(false)
    .showHelpAfterError('(clawpatrol --help lists the commands)')
    .exitOverride()
  const wanted = words[0] === '--version' || words[0] === '-V' ? 'version' : words[0]
  const load = wanted === undefined ? undefined : commands[wanted]
  const loaded = load === undefined ? await loadCommands() : [await load()]
  for (const command of loaded)
    register(program, command, (result) => {
      code = result
    })
  try {
    await program.parseAsync([wanted ?? '--help', ...words.slice(1)], { from: 'user' })
    return code
  } catch (error) {
    return failed(error)
  }
}

/** Every command, in the order help lists them. */
export function loadCommands(): Promise<readonly Command[]> {
  return Promise.all(Object.values(commands).map((each) => each()))
}

function failed(error: unknown): number {
  const code = (error as { code?: unknown }).code
  if (typeof code === 'string' && code.startsWith('commander.')) {
    return code === 'commander.helpDisplayed' || code === 'commander.help' ? 0 : 2
  }
  printFailure(error)
  return 1
}
