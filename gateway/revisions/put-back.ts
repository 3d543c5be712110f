import {
  chmodSync,
  chownSync,
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { ClawError } from '../../workers/contract/errors.ts'
import { reasonOf } from '../config/load.ts'
import type { RollbackPlan } from './rollback.ts'
import type { KeptFile } from './snapshot.ts'

interface Ready {
  readonly temporary: string
  readonly path: string
}

/**
 * Writes the files of a plan: all of them beside their places first, then each into its place at once. What is moved
 * aside gets the ending `.rolled-back`.
 * @returns the names of what was moved aside
 * @throws ClawError CP_CONFIG when a file cannot be written; nothing has changed then, as far as the system lets us know
 */
export function putBack({ writes, aside }: RollbackPlan): readonly string[] {
  const ready: Ready[] = []
  try {
    for (const file of writes) ready.push(prepare(file))
    const moved = aside.map((path) => {
      const to = freeName(path)
      renameSync(path, to)
      return to
    })
    for (const { temporary, path } of ready) renameSync(temporary, path)
    return moved
  } catch (error) {
    for (const { temporary } of ready) rmSync(temporary, { force: true })
    throw new ClawError('CP_CONFIG', `Cannot write the configuration: ${reasonOf(error)}`, {
      cause: error,
      hint: 'run this as a user who may write it',
    })
  }
}

/** A link stays a link: what it leads to is replaced. A file that is there keeps its mode and owner. */
function prepare({ path, mode, bytes }: KeptFile): Ready {
  const real = existsSync(path) ? realpathSync(path) : path
  const found = statSync(real, { throwIfNoEntry: false })
  const temporary = join(dirname(real), `.${basename(real)}.clawpatrol-${process.pid}`)
  const fd = openSync(temporary, 'wx', 0o600)
  try {
    let written = 0
    while (written < bytes.length) written += writeSync(fd, bytes, written)
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
  const owner = found ?? statSync(dirname(real))
  if (process.geteuid?.() === 0) chownSync(temporary, owner.uid, owner.gid)
  chmodSync(temporary, found === undefined ? mode : found.mode & 0o777)
  return { temporary, path: real }
}

function freeName(path: string): string {
  for (let number = 1; ; number += 1) {
    const name = `${path}.rolled-back${number === 1 ? '' : `-${number}`}`
    if (!existsSync(name)) return name
  }
}
