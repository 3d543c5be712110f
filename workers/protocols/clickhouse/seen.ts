import type { EffectFact } from '../../contract/sql.ts'

/** A set of facts that could not be told in full; `all`: nothing about the statement could. */
export type Vague = EffectFact | 'verb' | 'all'

/** Collects what a statement was seen to do while it is parsed. Lists may hold a name twice. */
export interface Seen {
  readonly verbs: string[]
  readonly tables: string[]
  readonly targets: string[]
  readonly functions: string[]
  /** Identifiers of expressions, in parts: `t.c` is `['t', 'c']`. */
  readonly columns: (readonly string[])[]
  /** Names a column may be qualified with: aliases, tables, databases. */
  readonly qualifiers: string[]
  /** Aliases of tables that read like columns: `secret.name` is a member of the column secret, whatever its table is called. */
  readonly aliases: Set<string>
  /** Settings it gives, in the order it gives them; null: the value is no literal. */
  readonly settings: (readonly [name: string, value: string | null])[]
  readonly vague: Set<Vague>
  isWrite: boolean
  isUnqualified: boolean
  usesProgram: boolean
}

/** Where a collection stood, to go back to when a reading of the text failed. */
export interface SeenMark {
  readonly lengths: readonly [number, number, number, number, number, number, number]
  readonly isWrite: boolean
  readonly isUnqualified: boolean
  readonly usesProgram: boolean
}

/** An empty collection. */
export function emptySeen(): Seen {
  return {
    verbs: [],
    tables: [],
    targets: [],
    functions: [],
    columns: [],
    qualifiers: [],
    aliases: new Set(),
    settings: [],
    vague: new Set(),
    isWrite: false,
    isUnqualified: false,
    usesProgram: false,
  }
}

/** Notes a table by the parts of its name, and whether it is written, created, changed or dropped. */
export function seeTable(seen: Seen, parts: readonly string[], isTarget = false): void {
  const name = joinName(parts)
  seen.tables.push(name)
  if (isTarget) seen.targets.push(name)
  for (const part of parts) seen.qualifiers.push(part)
}

/** Notes that tables are named in a way that cannot be read, e.g. by a pattern. */
export function seeHiddenTables(seen: Seen, isTarget = false): void {
  seen.vague.add('tables')
  if (isTarget) seen.vague.add('target_tables')
}

/** `db.t`, lower case; a part with a dot in it stays in backticks, so that it is not taken for two. */
export function joinName(parts: readonly string[]): string {
  return parts
    .map((part) => (part.includes('.') ? `\`${part}\`` : part))
    .join('.')
    .toLowerCase()
}

/** Remembers where the collection stands. */
export function markSeen(seen: Seen): SeenMark {
  const { tables, targets, functions, columns, qualifiers, verbs, settings, isWrite, isUnqualified, usesProgram } = seen
  return {
    lengths: [
      tables.length,
      targets.length,
      functions.length,
      columns.length,
      qualifiers.length,
      verbs.length,
      settings.length,
    ],
    isWrite,
    isUnqualified,
    usesProgram,
  }
}

/** Forgets what was noted since the mark; what became vague stays so. */
export function rewindSeen(seen: Seen, mark: SeenMark): void {
  const [tables, targets, functions, columns, qualifiers, verbs, settings] = mark.lengths
  seen.tables.length = tables
  seen.targets.length = targets
  seen.functions.length = functions
  seen.columns.length = columns
  seen.qualifiers.length = qualifiers
  seen.verbs.length = verbs
  seen.settings.length = settings
  seen.isWrite = mark.isWrite
  seen.isUnqualified = mark.isUnqualified
  seen.usesProgram = mark.usesProgram
}
