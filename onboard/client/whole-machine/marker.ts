import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { ClawError } from '../../../workers/contract/errors.ts'
import { writeWhole } from '../save-identity.ts'

/** Name of the file in the identity directory that says all traffic of this machine goes to the gateway. */
export const markerName = 'whole-machine'

/** Whether commands run directly: the machine is routed as a whole. */
export function isWholeMachine(dir: string): boolean {
  return existsSync(join(dir, markerName))
}

/** Says so; only after routing works. */
export function setMarker(dir: string): void {
  writeWhole(join(dir, markerName), '1\n', 0o600)
}

/**
 * Says so no more; before anything else of a join, or `run` would trust routing that is being taken down.
 * @throws ClawError CP_ONBOARD
 */
export function clearMarker(dir: string): void {
  const path = join(dir, markerName)
  try {
    rmSync(path, { force: true })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new ClawError('CP_ONBOARD', `Cannot remove ${JSON.stringify(path)}: ${code ?? 'unknown error'}`, {
      cause: error,
    })
  }
}
