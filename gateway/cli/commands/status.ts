import { identityDir } from '../../../onboard/client/identity.ts'
import { checkJoin } from '../../../onboard/client/status.ts'
import { jsonOption } from '../admin-options.ts'
import type { Command } from '../command.ts'
import { colour, print, printJson } from '../print.ts'

/** `clawpatrol status` */
export const status: Command = {
  name: 'status',
  summary: "check this machine's join, from its files to an answer of the gateway",
  options: [jsonOption],
  exitCodes: [{ code: 1, meaning: 'something is wrong: wrapped commands would not run' }],
  run: async ({ options }) => {
    const checks = await checkJoin(identityDir())
    const isRight = checks.every((check) => check.isRight)
    if (options.json === true) printJson({ ok: isRight, checks })
    else {
      for (const { name, isRight: fine, detail } of checks)
        print(`  ${fine ? colour.green('✓') : colour.red('✗')} ${name} — ${detail}`)
    }
    return isRight ? 0 : 1
  },
}
