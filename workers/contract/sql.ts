import type { Unknown } from './action.ts'

/**
 * What a SQL text was seen to do, one entry per statement in the order they run. A member that could not be determined
 * is named in `unknowns` (`sql.tables`); its value is then empty and nobody may rely on it.
 */
export interface StatementFacts {
  /** Lower case; the first keyword class, e.g. `select`, `set role`, `create`. */
  readonly verb: string
  /** `verb` and those of everything nested that runs with it, sorted: CTEs, EXPLAIN ANALYZE, DO, COPY, MERGE actions. */
  readonly verbs: readonly string[]
  /** Every relation it names, sorted; `schema.t` gives `schema.t` and `t` (ClickHouse: only `db.t`). */
  readonly tables: readonly string[]
  /** Those of them that are written, created, changed or dropped. */
  readonly target_tables: readonly string[]
  /** Columns it names, sorted, without their tables; `*` where all are read. */
  readonly columns: readonly string[]
  /** Functions it calls, lower case, sorted; `schema.f` gives both forms. */
  readonly functions: readonly string[]
  /** The raw text of this statement. */
  readonly statement: string
  /** Whether it may change anything: data, schema, roles, settings of others, files. */
  readonly is_write: boolean
  /** Whether an UPDATE, DELETE or MERGE in it spares no row: no WHERE, or one that says nothing of the row (`1 = 1`). */
  readonly is_unqualified: boolean
  /** Whether it starts a program on the server (COPY … PROGRAM, executable()). */
  readonly uses_program: boolean
  /** Statements in the whole text. */
  readonly statement_count: number
  /** Settings it gives itself (ClickHouse: SETTINGS, SET); absent: none. */
  readonly settings?: { readonly [name: string]: string }
}

/** Facts about what a statement does, each of which may turn out not to be visible. */
export const effectFacts = [
  'verbs',
  'tables',
  'target_tables',
  'columns',
  'functions',
  'is_write',
  'is_unqualified',
  'uses_program',
] as const satisfies readonly (keyof StatementFacts)[]

/** One of `effectFacts`. */
export type EffectFact = (typeof effectFacts)[number]

/** What of a statement the search path of its session has a say in. */
export interface PathUse {
  /** Relations it names without a schema, and those of them it writes. */
  readonly tables: readonly string[]
  readonly targets: readonly string[]
  /** Schemas it puts into the path, in order; null: which, if any, cannot be told. */
  readonly puts: readonly string[] | null
}

/** One analysed statement. */
export interface AnalysedStatement {
  readonly facts: StatementFacts
  readonly unknowns: readonly Unknown[]
  /** Absent: the search path has no say in it. */
  readonly path?: PathUse
}

/** Takes a SQL text apart. Never throws; a text without a statement gives an empty list. */
export type AnalyseSql = (text: string) => readonly AnalysedStatement[]
