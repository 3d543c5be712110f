import { askAdmin } from '../../admin/replies.ts'
import { stateDirOf, stateDirOption } from '../admin-options.ts'
import type { Command } from '../command.ts'
import { operatorName } from '../operator.ts'
import { colour, print, printError } from '../print.ts'

/** `clawpatrol reload` */
export const reload: Command = {
  name: 'reload',
  summary: 'make the running gateway read its configuration now, and say what came of it (on the gateway host)',
  options: [stateDirOption],
  examples: ['clawpatrol reload'],
  exitCodes: [{ code: 1, meaning: 'the configuration has errors: the one in force stays' }],
  run: async (invocation) => reloadNow(stateDirOf(invocation)),
}

/** Has the configuration loaded and prints what came of it; resolves with the exit code. */
export async function reloadNow(stateDir: string): Promise<number> {
  const call = { stateDir, method: 'POST', path: '/reload', body: { by: operatorName() } } as const
  const { isApplied, revision, problems } = await askAdmin('reloaded', call)
  for (const problem of problems) printError(`${problem}\n`)
  if (isApplied) print(`${colour.green('✓')} policy ${revision.slice(0, 12)} is in force`)
  else printError(`clawpatrol: the configuration has errors; policy ${revision.slice(0, 12)} stays in force`)
  return isApplied ? 0 : 1
}
