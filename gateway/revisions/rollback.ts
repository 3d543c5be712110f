import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { ClawError } from '../../workers/contract/errors.ts'
import { formatProblem } from '../config/diagnostics.ts'
import { loadPolicy } from '../config/load-policy.ts'
import type { RevisionRow } from '../store/revisions.ts'
import type { History } from './history.ts'
import { directoryOf, type KeptFile, readSnapshot, type Snapshot, snapshotRevision } from './snapshot.ts'

/** What putting a revision back comes to. Nothing is written yet. */
export interface RollbackPlan {
  readonly target: RevisionRow
  /** What the configuration's revision is then: another than the target's when included files elsewhere changed. */
  readonly revision: string
  readonly writes: readonly KeptFile[]
  /** Of the configuration. */
  readonly directory: string
  /** What was in which file when this was worked out. */
  readonly seen: ReadonlyMap<string, Buffer>
  /** Files the revision does not have, and those of `writes` with edits nobody applied: kept under another name. */
  readonly aside: readonly string[]
  /** Included files outside the configuration's directory that differ from what they were: not touched. */
  readonly left: readonly string[]
}

/** Which revision to put back, and whether edits that were never in force may go. */
export interface RollbackChoice {
  /** Beginning of a hash; null: the one in force before the current one. */
  readonly ref: string | null
  readonly force: boolean
}

/**
 * Works out how to put a revision's files back, and checks that they are a valid configuration.
 * @throws ClawError CP_CONFIG when that is not possible, CP_STORE when there is no such revision
 */
export async function planRollback(history: History, { ref, force }: RollbackChoice): Promise<RollbackPlan> {
  const current = history.current()
  if (current === null) throw refuse('nothing was in force yet')
  const target = history.find(ref)
  const goal = history.filesOf(target.revision)
  const base = force && target.revision === current.revision ? goal : baseOf(history, current, goal, force)
  const names = [...goal.files, ...base.files].filter(({ isIncluded }) => isIncluded).map(({ path }) => path)
  const present = await readSnapshot(goal.path, [...new Set(names)])
  const edited = editsOf(base, present)
  if (edited.length > 0 && !force)
    throw refuse(
      `${edited.join(', ')} has edits that are not in force`,
      'apply them, or give --force: they are kept beside it',
    )
  const { writes, left, files } = compare(goal, present)
  const kept = new Set(goal.files.map(({ path }) => path))
  const extra = present.files.filter(({ path, isIncluded }) => !isIncluded && !kept.has(path)).map(({ path }) => path)
  const overwritten = new Set(writes.map(({ path }) => path))
  const lost = edited.filter((path) => overwritten.has(path) && present.files.some((file) => file.path === path))
  if (writes.length === 0 && extra.length === 0)
    throw refuse(
      left.length === 0
        ? 'it is in force already'
        : `it differs in ${left.join(', ')} alone, which is not of the configuration's directory`,
    )
  await validate(goal, files)
  const revision = snapshotRevision({ ...goal, files })
  const seen = new Map(present.files.map(({ path, bytes }) => [path, bytes]))
  return { target, revision, writes, directory: directoryOf(goal), seen, aside: [...extra, ...lost], left }
}

/** The files in force, to tell edits from. */
function baseOf(history: History, current: RevisionRow, goal: Snapshot, force: boolean): Snapshot {
  try {
    const base = history.filesOf(current.revision)
    if (base.path !== goal.path || base.isDirectory !== goal.isDirectory)
      throw refuse(`it was the configuration ${goal.path}, and the gateway follows ${base.path} now`)
    return base
  } catch (error) {
    if (force && error instanceof ClawError && error.code === 'CP_STORE') return { ...goal, files: [] }
    throw error
  }
}

/** Files of the configuration's directory that are not as they came into force. */
function editsOf(base: Snapshot, present: Snapshot): readonly string[] {
  const directory = directoryOf(base)
  const before = new Map(base.files.map((file) => [file.path, file]))
  const now = new Map(present.files.map((file) => [file.path, file]))
  const isOurs = (file: KeptFile) => !file.isIncluded || isWithin(directory, file.path)
  const changed = base.files.filter((file) => isOurs(file) && now.get(file.path)?.bytes.equals(file.bytes) !== true)
  const added = present.files.filter(({ path, isIncluded }) => !isIncluded && !before.has(path))
  return [...changed, ...added].map(({ path }) => path)
}

function compare(goal: Snapshot, present: Snapshot) {
  const directory = directoryOf(goal)
  const now = new Map(present.files.map((file) => [file.path, file]))
  const writes: KeptFile[] = []
  const left: string[] = []
  const files = goal.files.map((file) => {
    const found = now.get(file.path)
    if (found?.bytes.equals(file.bytes) === true) return file
    if (!file.isIncluded || isWithin(directory, file.path)) {
      writes.push(file)
      return file
    }
    left.push(file.path)
    return { ...file, bytes: found?.bytes ?? Buffer.alloc(0) }
  })
  return { writes, left, files }
}

/** Loads the files from a place of their own, under the same paths, so that relative names mean the same. */
async function validate(goal: Snapshot, files: readonly KeptFile[]): Promise<void> {
  const root = await mkdtemp(join(tmpdir(), 'clawpatrol-rollback-'))
  try {
    for (const { path, bytes } of files) {
      await mkdir(join(root, dirname(path)), { recursive: true, mode: 0o700 })
      await writeFile(join(root, path), bytes, { mode: 0o600 })
    }
    const { policy, problems } = await loadPolicy(join(root, goal.path), { servable: true })
    if (policy !== null) return
    const told = problems.filter(({ severity }) => severity === 'error').map((problem) => formatProblem(problem))
    throw refuse(`it is not valid any more\n${told.join('\n').replaceAll(root, '')}`)
  } finally {
    await rm(root, { recursive: true, force: true })
  }
}

function isWithin(directory: string, path: string): boolean {
  const way = relative(directory, path)
  return way !== '' && !way.startsWith('..')
}

function refuse(why: string, hint?: string): ClawError {
  return new ClawError('CP_CONFIG', `Cannot put the revision back: ${why}`, hint === undefined ? {} : { hint })
}
