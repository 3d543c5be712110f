import type { Database } from './database.ts'

/** One change of the configuration, or an attempt at one. */
export interface RevisionRow {
  readonly seq: number
  /** Hash of the configuration's bytes; of one that was refused, of what could be read of it. */
  readonly revision: string
  /** Epoch, ms. */
  readonly at: number
  readonly who: string | null
  readonly how: 'start' | 'file' | 'reload' | 'rollback'
  readonly outcome: 'applied' | 'refused'
  /** Errors of one that was refused. */
  readonly problems: number
}

/** Changes of the configuration on record. */
export interface Revisions {
  /** Adds one and drops what is too old or too many; @returns its `seq` */
  add(row: Omit<RevisionRow, 'seq'>, files: Buffer | null): number
  /** Newest first. */
  list(limit: number): readonly RevisionRow[]
  /** The newest one that came into force; null: none yet. */
  current(): RevisionRow | null
  /** The newest one in force before the current one that is another; null: there is none. */
  before(): RevisionRow | null
  /** Those in force once whose hash begins so, each hash once, newest first; two at most. */
  find(prefix: string): readonly RevisionRow[]
  /** The sealed files of a revision; null: they were not kept. */
  files(revision: string): Buffer | null
}

/** Kept of each outcome, and for how long; what is in force and what was before it always are. */
const mostRows = 200
const keepMs = 90 * 24 * 3_600_000

/** The revision table's queries. */
export function revisionsOf({ sqlite }: Database): Revisions {
  const columns = 'seq, revision, at, who, how, outcome, problems'
  const insert = sqlite.prepare(
    `INSERT INTO revisions (revision, at, who, how, outcome, problems, files)
     VALUES (@revision, @at, @who, @how, @outcome, @problems, @files)`,
  )
  const prune = sqlite.prepare(
    `DELETE FROM revisions WHERE seq NOT IN (
       SELECT seq FROM revisions WHERE outcome = 'applied' ORDER BY seq DESC LIMIT 2
     ) AND (at < @oldest OR seq <= coalesce(
       (SELECT seq FROM revisions AS same WHERE same.outcome = revisions.outcome ORDER BY seq DESC LIMIT 1 OFFSET ${mostRows}), 0
     ))`,
  )
  const list = sqlite.prepare(`SELECT ${columns} FROM revisions ORDER BY seq DESC LIMIT ?`)
  const current = sqlite.prepare(`SELECT ${columns} FROM revisions WHERE outcome = 'applied' ORDER BY seq DESC LIMIT 1`)
  const before = sqlite.prepare(
    `SELECT ${columns} FROM revisions WHERE outcome = 'applied' AND revision <> ? ORDER BY seq DESC LIMIT 1`,
  )
  const find = sqlite.prepare(
    `SELECT ${columns} FROM revisions WHERE seq IN (
       SELECT max(seq) FROM revisions WHERE outcome = 'applied' AND substr(revision, 1, length(@prefix)) = @prefix
       GROUP BY revision
     ) ORDER BY seq DESC LIMIT 2`,
  )
  const files = sqlite
    .prepare('SELECT files FROM revisions WHERE revision = ? AND files IS NOT NULL ORDER BY seq DESC LIMIT 1')
    .pluck()
  const add = sqlite.transaction((row: Omit<RevisionRow, 'seq'>, bytes: Buffer | null) => {
    const { lastInsertRowid } = insert.run({ ...row, files: bytes })
    prune.run({ oldest: row.at - keepMs })
    return Number(lastInsertRowid)
  })
  return {
    add: (row, bytes) => add.immediate(row, bytes),
    list: (limit) => list.all(limit) as RevisionRow[],
    current: () => (current.get() as RevisionRow | undefined) ?? null,
    before: () => {
      const now = current.get() as RevisionRow | undefined
      return now === undefined ? null : ((before.get(now.revision) as RevisionRow | undefined) ?? null)
    },
    find: (prefix) => find.all({ prefix }) as RevisionRow[],
    files: (revision) => (files.get(revision) as Buffer | undefined) ?? null,
  }
}
