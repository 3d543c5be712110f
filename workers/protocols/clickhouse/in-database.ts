import type { AnalysedStatement, EffectFact } from '../../contract/sql.ts'

/**
 * A statement in a session with a database: names without one are also those of its tables, so that a rule that names
 * them in full holds whatever database an agent chose.
 * @param database empty: the one the server gives the user, whose name is not known; null: it cannot be told which
 */
export function inDatabase(statement: AnalysedStatement, database: string | null): AnalysedStatement {
  const { facts, unknowns } = statement
  if (database === '' || !facts.tables.some(isBare)) return statement
  if (database !== null) {
    const prefix = nameOf(database)
    const inFull = (names: readonly string[]) =>
      [...new Set([...names, ...names.filter(isBare).map((name) => `${prefix}.${name}`)])].sort()
    return {
      ...statement,
      facts: { ...facts, tables: inFull(facts.tables), target_tables: inFull(facts.target_tables) },
    }
  }
  const hidden = (['tables', 'target_tables'] satisfies EffectFact[])
    .map((fact) => ({ path: `sql.${fact}`, because: 'unparsed' as const }))
    .filter(({ path }) => !unknowns.some((known) => known.path === path))
  return { ...statement, facts: { ...facts, tables: [], target_tables: [] }, unknowns: [...unknowns, ...hidden] }
}

/** Whether a table is named without its database; a dot that is part of a name stands in backticks. */
function isBare(table: string): boolean {
  return !table.replaceAll(/`[^`]*`/g, '').includes('.')
}

/** A name as the analysis writes it. */
function nameOf(database: string): string {
  return (database.includes('.') ? `\`${database}\`` : database).toLowerCase()
}
