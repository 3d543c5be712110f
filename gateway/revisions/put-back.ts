import {
  chmodSync,
  chownSync,
  closeSync,
  constants,
  copyFileSync,
  existsSync,
  fsyncSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { ClawError } from '../../workers/contract/errors.ts'
import { reasonOf } from '../config/load.ts'
import { asOwnerOf } from './as-owner.ts'
import type { RollbackPlan } from './rollback.ts'
import type { KeptFile } from './snapshot.ts'

interface Ready {
  readonly temporary: string
  /** Of the configuration; `real` is where a link there leads. */
  readonly path: string
  readonly real: string
}

/**
 * Writes the files of a plan: all of them beside their places first, then each into its place at once, so that none is
 * missing in between. Copies of edits nobody applied, and what the revision does not have, get the ending
 * `.rolled-back`. Root does this as the owner of the files.
 * @returns the names of what is kept so
 * @throws ClawError CP_CONFIG when a file cannot be written, or is another than when it was planned; where nothing else
 *   is said nothing has changed then
 */
export function putBack(plan: RollbackPlan): readonly string[] {
  const { directory, writes, aside, seen } = plan
  const as = <T>(path: string, work: () => T) => asOwnerOf(directory, path, work)
  const ready: Ready[] = []
  let placed = 0
  try {
    for (const file of writes) ready.push(as(file.path, () => prepare(file)))
    for (const path of [...writes.map((file) => file.path), ...aside]) as(path, () => expect(path, seen))
    const isWritten = new Set(writes.map(({ path }) => path))
    const kept = aside.filter((path) => isWritten.has(path)).map((path) => as(path, () => copyAside(path)))
    for (const { temporary, path, real } of ready) {
      as(path, () => renameSync(temporary, real))
      placed += 1
    }
    const extra = aside.filter((path) => !isWritten.has(path)).map((path) => as(path, () => moveAside(path)))
    return [...kept, ...extra]
  } catch (error) {
    for (const { temporary } of ready) rmSync(temporary, { force: true })
    const how = placed === 0 ? '' : ` (${placed} of ${writes.length} files are put back already)`
    throw new ClawError('CP_CONFIG', `Cannot write the configuration: ${reasonOf(error)}${how}`, {
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
  return { temporary, path, real }
}

/** An editor may have saved since the plan was made. */
function expect(path: string, seen: RollbackPlan['seen']): void {
  const before = seen.get(path)
  const now = existsSync(path) ? readFileSync(path) : undefined
  if (before === undefined ? now !== undefined : now?.equals(before) !== true)
    throw new Error(`${path} has changed since it was looked at`)
}

/** The text, not the link that leads to it: what it leads to is about to be replaced. */
function copyAside(path: string): string {
  const to = freeName(path)
  copyFileSync(path, to, constants.COPYFILE_EXCL)
  return to
}

function moveAside(path: string): string {
  const to = freeName(path)
  renameSync(path, to)
  return to
}

function freeName(path: string): string {
  for (let number = 1; ; number += 1) {
    const name = `${path}.rolled-back${number === 1 ? '' : `-${number}`}`
    if (!existsSync(name)) return name
  }
}
