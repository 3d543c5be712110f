import { lstatSync, type Stats } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { ClawError } from '../../../workers/contract/errors.ts'

// sun_path of macOS is 104 bytes, its NUL included
const maxPathBytes = 103

/** Where Clawpatrol.app listens for the clawpatrol of this user. */
export function controlSocket(home = homedir()): string {
  return join(home, 'Library', 'Application Support', 'clawpatrol', 'control.sock')
}

/**
 * Makes sure that nobody but this user can listen there: keys are about to be sent.
 * @throws ClawError CP_CAPTURE naming what is wrong with it and what mends it
 */
export function checkControlSocket(path: string): void {
  const quoted = JSON.stringify(path)
  if (Buffer.byteLength(path) > maxPathBytes)
    throw new ClawError('CP_CAPTURE', `Cannot use the control socket ${quoted}: longer than ${maxPathBytes} bytes`, {
      hint: 'a home directory with a shorter path has room for it',
    })
  const dir = dirname(path)
  const folder = lstatSync(dir, { throwIfNoEntry: false })
  const socket = lstatSync(path, { throwIfNoEntry: false })
  if (folder === undefined || socket === undefined) throw notInstalled(path)
  if (!folder.isDirectory() || !isOwn(folder, 0o022))
    throw notOurs(dir, `is to be a directory of this user that nobody else may write to`, `chmod 700`)
  if (!socket.isSocket() || !isOwn(socket, 0o077))
    throw notOurs(path, `is to be a socket of this user with mode 0600`, `rm`)
}

function isOwn({ uid, mode }: Stats, forbidden: number): boolean {
  return uid === process.geteuid?.() && (mode & forbidden) === 0
}

/** There is nothing to talk to. */
export function notInstalled(path: string): ClawError {
  return new ClawError('CP_CAPTURE', `Cannot find Clawpatrol.app: nothing is at ${JSON.stringify(path)}`, {
    hint: 'open Clawpatrol.app once. This release comes without it: until it is there, run clawpatrol in a Linux machine or container',
  })
}

function notOurs(path: string, wanted: string, mend: string): ClawError {
  const quoted = JSON.stringify(path)
  return new ClawError('CP_CAPTURE', `Cannot trust ${quoted}: it ${wanted}`, {
    hint: `look who put it there, then: ${mend} ${quoted}, and open Clawpatrol.app again`,
  })
}
