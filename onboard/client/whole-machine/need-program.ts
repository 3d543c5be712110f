import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { ClawError } from '../../../workers/contract/errors.ts'

const asIn = [
  ['apt-get', 'sudo apt-get install'],
  ['dnf', 'sudo dnf install'],
  ['pacman', 'sudo pacman -S'],
  ['apk', 'sudo apk add'],
  ['zypper', 'sudo zypper install'],
] as const

/**
 * Makes sure that a program is on this machine; nothing is installed without a person.
 * @param hint how to get it where it is no package of the distribution
 * @throws ClawError CP_ONBOARD with the command that installs its package
 */
export function needProgram(name: string, packageName: string, hint?: string): void {
  if (hasProgram(name)) return
  const [, install] = asIn.find(([manager]) => hasProgram(manager)) ?? []
  throw new ClawError('CP_ONBOARD', `Routing the whole machine needs ${name}, which is not there`, {
    hint: hint ?? (install === undefined ? `install the package ${packageName}` : `${install} ${packageName}`),
  })
}

/** Whether a program is on the search path, or where root's programs are. */
export function hasProgram(name: string): boolean {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/local/sbin', '/usr/sbin', '/sbin']
  return folders.some((folder) => {
    try {
      accessSync(join(folder, name), constants.X_OK)
      return folder !== ''
    } catch {
      return false
    }
  })
}
