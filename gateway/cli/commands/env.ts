import { updateBundle } from '../../../onboard/client/bundle.ts'
import { exportLines } from '../../../onboard/client/environment.ts'
import { identityDir, loadIdentity } from '../../../onboard/client/identity.ts'
import { pushedVariables } from '../../../onboard/client/pushed-variables.ts'
import { orExit2 } from '../client-failure.ts'
import type { Command } from '../command.ts'
import { print, printFailure } from '../print.ts'

const askMs = 10_000

/** `clawpatrol env` */
export const env: Command = {
  name: 'env',
  summary: 'print export lines that make tools trust the gateway',
  options: [{ flags: '--ca-dir <dir>', summary: 'where the join is kept (default: CLAWPATROL_DIR or ~/.clawpatrol)' }],
  examples: ['eval "$(clawpatrol env)"'],
  exitCodes: [
    { code: 1, meaning: "the gateway's own variables could not be fetched; the others are printed" },
    { code: 2, meaning: 'this machine has not joined a gateway' },
  ],
  run: ({ options }) =>
    orExit2(async () => {
      const identity = loadIdentity(typeof options.caDir === 'string' ? options.caDir : identityDir())
      const files = { caFile: identity.caFile, bundleFile: updateBundle(identity) }
      try {
        for (const line of exportLines(files, await pushedVariables(identity, askMs))) print(line)
        return 0
      } catch (error) {
        for (const line of exportLines(files, [])) print(line)
        printFailure(error)
        return 1
      }
    }),
}
