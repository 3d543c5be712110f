import { askAdmin } from '../../admin/replies.ts'
import { putBack } from '../../revisions/put-back.ts'
import { planRollback } from '../../revisions/rollback.ts'
import { stateDirOf, stateDirOption } from '../admin-options.ts'
import type { Command, Invocation } from '../command.ts'
import { operatorName } from '../operator.ts'
import { print, printError } from '../print.ts'
import { withHistory } from '../with-history.ts'
import { reloadNow } from './reload.ts'

/** `clawpatrol rollback [revision]` */
export const rollback: Command = {
  name: 'rollback',
  summary: 'put the files of an earlier policy back and have the gateway take them (on the gateway host)',
  args: [{ word: '[revision]', summary: 'beginning of its hash (default: the one in force before)' }],
  options: [
    { flags: '--force', summary: 'also when files have edits that were never in force; they are kept beside them' },
    stateDirOption,
  ],
  examples: ['clawpatrol rollback', 'clawpatrol rollback 3f9c2a1b'],
  exitCodes: [
    { code: 1, meaning: 'nothing was put back, or the gateway refuses it' },
    { code: 2, meaning: 'wrong usage' },
  ],
  run: async (invocation) => putRevisionBack(invocation),
}

async function putRevisionBack(invocation: Invocation): Promise<number> {
  const stateDir = stateDirOf(invocation)
  const choice = { ref: invocation.args[0] ?? null, force: invocation.options.force === true }
  const plan = await withHistory(stateDir, (history) => planRollback(history, choice))
  // first: the gateway notices files by itself, and is to know whose doing it is
  const isRunning = await announce(stateDir, plan.revision)
  for (const moved of putBack(plan)) printError(`kept as ${moved}`)
  for (const path of plan.left)
    printError(`left as it is: ${path}, which the configuration includes, was different then`)
  const { revision, at } = plan.target
  print(`put back: the files of ${revision.slice(0, 12)}, in force ${new Date(at).toISOString()}`)
  if (isRunning) return await reloadNow(stateDir)
  print('no gateway runs: it takes them when it starts')
  return 0
}

/** @returns whether a gateway runs */
async function announce(stateDir: string, revision: string): Promise<boolean> {
  try {
    const body = { revision, by: operatorName() }
    await askAdmin('expected', { stateDir, method: 'POST', path: '/rollback', body })
    return true
  } catch (error) {
    const code = (error as { cause?: { code?: unknown } }).cause?.code
    if (code === 'ENOENT' || code === 'ECONNREFUSED') return false
    throw error
  }
}
