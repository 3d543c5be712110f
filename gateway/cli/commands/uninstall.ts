import { createInterface } from 'node:readline/promises'
import { identityDir } from '../../../onboard/client/identity.ts'
import type { Command } from '../command.ts'
import { colour, print } from '../print.ts'

/** `clawpatrol uninstall` */
export const uninstall: Command = {
  name: 'uninstall',
  summary: 'take back what joining did to this machine',
  options: [
    { flags: '-y, --yes', summary: 'do not ask' },
    { flags: '--keep-ca', summary: "keep trusting the gateway's CA" },
    { flags: '--keep-conf', summary: 'keep the join: the device stays at the gateway' },
  ],
  exitCodes: [{ code: 0, meaning: 'done; steps that failed are shown, run it again for them' }],
  run: async ({ options }) => {
    if (options.yes !== true && !(await isConfirmed())) {
      print('aborted')
      return 0
    }
    const client = await import('../../../onboard/client/uninstall.ts')
    const { keepCa, keepConf } = options
    const steps = await client.uninstall({ dir: identityDir(), keepCa: keepCa === true, keepConf: keepConf === true })
    for (const { label, failure } of steps)
      print(failure === null ? `  ${colour.green('✓')} ${label}` : `  ${colour.yellow('⚠')} ${label}: ${failure}`)
    return 0
  },
}

async function isConfirmed(): Promise<boolean> {
  const lines = createInterface({ input: process.stdin, output: process.stdout })
  // end of input is a no
  const ended = new Promise<string>((resolve) => lines.once('close', () => resolve('')))
  try {
    const answer = await Promise.race([lines.question('Uninstall clawpatrol from this machine? [y/N] '), ended])
    return /^y$/i.test(answer.trim())
  } finally {
    lines.close()
  }
}
