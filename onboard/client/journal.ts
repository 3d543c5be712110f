import { closeSync, fsyncSync, openSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { ClawError } from '../../workers/contract/errors.ts'
import { identityFiles } from './identity.ts'
import { writeWhole } from './save-identity.ts'

/** One change to this machine outside of the identity directory, with what undoes it; data only, never a command. */
export type SystemChange =
  | TrustChange
  | FileChange
  | DirChange
  | LinesChange
  | RuleChange
  | InterfaceChange
  | UnitChange
  | TailnetChange
  | ExitNodeChange

/** The CA among the machine's roots: the file goes, then the store is rebuilt. */
export interface TrustChange {
  readonly kind: 'trust'
  readonly file: string
  readonly refresh: readonly string[]
}

/** A file of the machine that was written: what was there comes back. */
export interface FileChange {
  readonly kind: 'file'
  readonly path: string
  readonly before: FileState
  /** SHA-256 of what was written, hex: a file that has something else in it now is not touched. */
  readonly wrote: string
}

/** What is at a path. */
export type FileState =
  | { readonly kind: 'absent' }
  | { readonly kind: 'symlink'; readonly target: string }
  | {
      readonly kind: 'file'
      readonly base64: string
      readonly mode: number
      readonly uid: number
      readonly gid: number
    }

/** A directory that was made: it goes when nothing is in it. */
export interface DirChange {
  readonly kind: 'dir'
  readonly path: string
}

/** Text put at the end of a file of the user. */
export interface LinesChange {
  readonly kind: 'lines'
  readonly path: string
  readonly added: string
}

/** A rule of the routing policy: what `ip -4|-6 rule add` was given. */
export interface RuleChange {
  readonly kind: 'rule'
  readonly family: 4 | 6
  readonly words: readonly string[]
}

/** A network interface that was brought up with wg-quick. */
export interface InterfaceChange {
  readonly kind: 'interface'
  readonly name: string
}

/** A systemd unit that was enabled. */
export interface UnitChange {
  readonly kind: 'unit'
  readonly name: string
}

/** This machine's own Tailscale, which was in no tailnet before. */
export interface TailnetChange {
  readonly kind: 'tailnet'
  /** Stable id of the node it became; null until that is known. */
  readonly node: string | null
}

/** The exit node of that Tailscale, which had none before. */
export interface ExitNodeChange {
  readonly kind: 'exit-node'
  /** Stable id of the node that uses it. */
  readonly node: string | null
}

/** The changes on record, oldest first. A journal that cannot be read is an error: nothing may be left behind silently. */
export function readJournal(dir: string): readonly SystemChange[] {
  const path = join(dir, identityFiles.journal)
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
  const found = parse(text)
  if (found === null)
    throw new ClawError('CP_ONBOARD', `Cannot read ${JSON.stringify(path)}: it is damaged, or of another version`, {
      hint: 'it says what was changed on this machine: keep it, and undo by hand what it lists',
    })
  return found
}

/** Notes a change, before it is made. What is on record for the same thing stays: it has the older inverse. */
export function noteChange(dir: string, change: SystemChange): void {
  const before = readJournal(dir)
  if (change.kind === 'trust') write(dir, [...before.filter((other) => !isSame(other, change)), change])
  else if (!before.some((other) => isSame(other, change))) write(dir, [...before, change])
}

/** Puts more into the record of a change that is being made. */
export function amendChange(dir: string, change: SystemChange): void {
  write(
    dir,
    readJournal(dir).map((other) => (isSame(other, change) ? change : other)),
  )
}

/** Takes a change off the record, after it was undone. */
export function dropChange(dir: string, change: SystemChange): void {
  write(
    dir,
    readJournal(dir).filter((other) => !isSame(other, change)),
  )
}

function isSame(one: SystemChange, other: SystemChange): boolean {
  return keyOf(one) === keyOf(other)
}

function keyOf(change: SystemChange): string {
  switch (change.kind) {
    case 'trust':
      return `trust ${change.file}`
    case 'file':
    case 'dir':
    case 'lines':
      return `${change.kind} ${change.path}`
    case 'rule':
      return `rule ${change.family} ${change.words.join(' ')}`
    case 'interface':
    case 'unit':
      return `${change.kind} ${change.name}`
    case 'tailnet':
    case 'exit-node':
      return change.kind
    default:
      return change satisfies never
  }
}

const kinds: readonly string[] = ['trust', 'file', 'dir', 'lines', 'rule', 'interface', 'unit', 'tailnet', 'exit-node']

function parse(text: string): readonly SystemChange[] | null {
  try {
    const { schema_version, changes } = JSON.parse(text) as {
      readonly schema_version: unknown
      readonly changes: readonly SystemChange[]
    }
    const isKnown = Array.isArray(changes) && changes.every((change) => kinds.includes(change?.kind))
    return schema_version === 1 && isKnown ? changes : null
  } catch {
    return null
  }
}

function write(dir: string, changes: readonly SystemChange[]): void {
  const path = join(dir, identityFiles.journal)
  if (changes.length === 0) rmSync(path, { force: true })
  else writeWhole(path, `${JSON.stringify({ schema_version: 1, changes }, null, 2)}\n`, 0o600)
  // the name too must be on disk before the change it tells of is made
  const fd = openSync(dir, 'r')
  try {
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}
