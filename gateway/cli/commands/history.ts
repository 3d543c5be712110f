import { diffLines } from '../../revisions/diff.ts'
import type { History } from '../../revisions/history.ts'
import type { KeptFile, Snapshot } from '../../revisions/snapshot.ts'
import { openReadOnly } from '../../store/database.ts'
import { type RevisionRow, revisionsOf } from '../../store/revisions.ts'
import { jsonOption, stateDirOf, stateDirOption } from '../admin-options.ts'
import type { Command, Invocation } from '../command.ts'
import { colour, print, printError, printJson, table } from '../print.ts'
import { visible } from '../visible.ts'
import { withHistory } from '../with-history.ts'

/** `clawpatrol history [revision]` */
export const history: Command = {
  name: 'history',
  summary: 'show which policies were in force, since when and by whose doing (on the gateway host)',
  args: [{ word: '[revision]', summary: 'beginning of a hash: show the files of that one' }],
  options: [
    { flags: '--diff', summary: 'with a revision: what it changed of the one before it' },
    { flags: '-n, --limit <count>', summary: 'the newest so many', default: '20' },
    jsonOption,
    stateDirOption,
  ],
  examples: ['clawpatrol history', 'clawpatrol history 3f9c2a1b --diff'],
  exitCodes: [
    { code: 1, meaning: 'there is no such revision, or its files were not kept' },
    { code: 2, meaning: 'wrong usage' },
  ],
  run: async (invocation) => {
    const ref = invocation.args[0]
    return ref === undefined ? await listRevisions(invocation) : await showRevision(invocation, ref)
  },
}

async function listRevisions(invocation: Invocation): Promise<number> {
  const limit = Number(invocation.options.limit ?? '20')
  if (!Number.isInteger(limit) || limit < 1) {
    printError(`clawpatrol: --limit ${JSON.stringify(invocation.options.limit)} is no count`)
    return 2
  }
  await using database = openReadOnly(stateDirOf(invocation))
  const revisions = revisionsOf(database)
  const inForce = revisions.current()?.seq
  const rows = revisions.list(limit)
  if (invocation.options.json === true) {
    for (const row of rows) printJson({ ...row, at: new Date(row.at).toISOString(), in_force: row.seq === inForce })
    return 0
  }
  if (rows.length === 0) print('no policy was in force yet')
  else
    print(
      table(
        ['WHEN', 'REVISION', 'WHO', 'HOW', 'WHAT'],
        rows.map((row) => cellsOf(row, inForce)),
      ),
    )
  return 0
}

function cellsOf(row: RevisionRow, inForce: number | undefined): readonly string[] {
  const what =
    row.seq === inForce
      ? colour.green('in force')
      : row.outcome === 'applied'
        ? 'was in force'
        : colour.red(`refused: ${row.problems} error${row.problems === 1 ? '' : 's'}`)
  return [
    new Date(row.at).toISOString().replace(/\.\d+/, ''),
    row.revision.slice(0, 12),
    visible(row.who ?? '-'),
    row.how,
    what,
  ]
}

function showRevision(invocation: Invocation, ref: string): Promise<number> {
  return withHistory(stateDirOf(invocation), (kept) => {
    const row = kept.find(ref)
    const snapshot = kept.filesOf(row.revision)
    if (invocation.options.json === true) {
      const files = snapshot.files.map(({ path, mode, bytes }) => ({ path, mode, text: bytes.toString('utf8') }))
      printJson({ ...row, at: new Date(row.at).toISOString(), path: snapshot.path, files })
      return 0
    }
    const before = invocation.options.diff === true ? filesBefore(kept, row) : null
    if (invocation.options.diff === true) printDiff(before, snapshot)
    else for (const { path, bytes } of snapshot.files) print(`# ${path}\n${bytes.toString('utf8')}`)
    return 0
  })
}

/** null: it was the first one. */
function filesBefore(kept: History, row: RevisionRow): Snapshot | null {
  const before = kept
    .list(1000)
    .find(({ seq, outcome, revision }) => seq < row.seq && outcome === 'applied' && revision !== row.revision)
  return before === undefined ? null : kept.filesOf(before.revision)
}

function printDiff(before: Snapshot | null, after: Snapshot): void {
  const old = new Map(before?.files.map((file) => [file.path, file]))
  const now = new Map(after.files.map((file) => [file.path, file]))
  for (const path of [...new Set([...old.keys(), ...now.keys()])].sort()) {
    const [from, to] = [old.get(path), now.get(path)].map(linesOf)
    const changes = diffLines(from ?? [], to ?? [])
    if (changes.length === 0) continue
    print(colour.bold(`--- ${old.has(path) ? path : '(none)'}\n+++ ${now.has(path) ? path : '(none)'}`))
    for (const line of changes)
      print(line.startsWith('+') ? colour.green(line) : line.startsWith('-') ? colour.red(line) : line)
  }
}

function linesOf(file: KeptFile | undefined): readonly string[] {
  if (file === undefined || file.bytes.length === 0) return []
  return file.bytes.toString('utf8').replace(/\n$/, '').split('\n')
}
