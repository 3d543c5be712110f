import { ClawError } from '../../workers/contract/errors.ts'
import { printFailure } from './print.ts'

/**
 * Runs what a client command does; whatever it names as wrong ends the command with exit code 2,
 * so that scripts tell it from the exit code of a wrapped command that failed.
 */
export async function orExit2(work: () => Promise<number>): Promise<number> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof ClawError)) throw error
    printFailure(error)
    return 2
  }
}
