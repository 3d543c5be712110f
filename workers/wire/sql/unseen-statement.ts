import type { Unknown } from '../../contract/action.ts'
import { sql as family } from '../../contract/families/sql.ts'
import type { AnalysedStatement, StatementFacts } from '../../contract/sql.ts'

/** The facts of a statement that does nothing and names nothing. */
export const noFacts: StatementFacts = {
  verb: '',
  verbs: [],
  tables: [],
  target_tables: [],
  columns: [],
  functions: [],
  statement: '',
  is_write: false,
  is_unqualified: false,
  uses_program: false,
  statement_count: 1,
}

/**
 * A statement of which nothing is known but what is named; the session's database and the parameters are not the
 * statement's to tell.
 * @param known facts that hold: those of `given`, as they are there or in `noFacts`
 */
export function unseenStatement(
  given: Partial<StatementFacts>,
  known: readonly (keyof StatementFacts)[],
  because: Unknown['because'],
): AnalysedStatement {
  const told: ReadonlySet<string> = new Set(['database', 'params', ...known])
  return {
    facts: { ...noFacts, ...given },
    unknowns: family.facts.filter(({ name }) => !told.has(name)).map(({ name }) => ({ path: `sql.${name}`, because })),
  }
}

/** Whether not even the kind of the statement, or of one in it, could be seen. */
export function isObscure({ unknowns }: AnalysedStatement): boolean {
  return unknowns.some(({ path }) => path === 'sql.verbs' || path === 'sql.verb')
}
