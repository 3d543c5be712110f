import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { identityFiles } from './identity.ts'
import { writeWhole } from './save-identity.ts'

/** One change to this machine outside of the identity directory, with what undoes it. */
export type SystemChange = {
  /** The CA among the machine's roots: the file goes, then the store is rebuilt. */
  readonly kind: 'trust'
  readonly file: string
  readonly refresh: readonly string[]
}

/** The changes on record, oldest first. A journal that cannot be read is an error: nothing may be left behind silently. */
export function readJournal(dir: string): readonly SystemChange[] {
  let text: string
  try {
    text = readFileSync(join(dir, identityFiles.journal), 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
  const { changes } = JSON.parse(text) as { readonly changes: readonly SystemChange[] }
  return changes
}

/** Notes a change, before it is made. */
export function noteChange(dir: string, change: SystemChange): void {
  const same = (other: SystemChange) => other.kind === change.kind && other.file === change.file
  write(dir, [...readJournal(dir).filter((other) => !same(other)), change])
}

/** Takes a change off the record, after it was undone. */
export function dropChange(dir: string, change: SystemChange): void {
  write(
    dir,
    readJournal(dir).filter((other) => other.file !== change.file),
  )
}

function write(dir: string, changes: readonly SystemChange[]): void {
  const path = join(dir, identityFiles.journal)
  if (changes.length === 0) rmSync(path, { force: true })
  else writeWhole(path, `${JSON.stringify({ schema_version: 1, changes }, null, 2)}\n`, 0o600)
}
