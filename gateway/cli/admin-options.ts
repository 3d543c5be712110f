import { homedir } from 'node:os'
import { join } from 'node:path'
import type { Invocation, Option } from './command.ts'

/** Which gateway on this machine a command is for. */
export const stateDirOption: Option = {
  flags: '--state-dir <dir>',
  summary: 'state directory of the gateway (default: CLAWPATROL_STATE or ~/.clawpatrol)',
}

/** Prints the answer as JSON. */
export const jsonOption: Option = { flags: '--json', summary: 'print JSON' }

/** The state directory a command is for. As in store/database.ts, which would load SQLite. */
export function stateDirOf({ options }: Invocation): string {
  if (typeof options.stateDir === 'string') return options.stateDir
  return process.env.CLAWPATROL_STATE ?? join(process.env.HOME ?? homedir(), '.clawpatrol')
}
