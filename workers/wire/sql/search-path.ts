import type { AnalysedStatement, EffectFact, StatementFacts } from '../../contract/sql.ts'
import { isObscure } from './unseen-statement.ts'

/** More schemas than these are not kept: any may then be meant. */
const mostSchemas = 32
/** Where PostgreSQL's own functions and relations are. */
const catalog = 'pg_catalog'

/**
 * Schemas that statements of one session put into its search path. None is ever taken out again: a transaction may
 * bring back what it was. A name without a schema then means, for rules, the relation of that name in each of them.
 */
export class SearchPath {
  #schemas: readonly string[] | null = []
  /** Made of the schemas as they are now. */
  #resolved = new WeakMap<AnalysedStatement, AnalysedStatement>()

  /** As records keep it; undefined: nothing was put into it. */
  get described(): readonly string[] | null | undefined {
    return this.#schemas?.length === 0 ? undefined : this.#schemas
  }

  /** Takes note of a statement that may be sent. */
  sent(statement: AnalysedStatement): void {
    if (isObscure(statement)) this.put(null)
    else if (statement.path !== undefined) this.put(statement.path.puts)
  }

  /** Takes note of schemas put into the path; null: nobody knows which. */
  put(schemas: readonly string[] | null): void {
    const all = union(this.#schemas, schemas)
    if (all?.length === this.#schemas?.length) return
    this.#schemas = all
    this.#resolved = new WeakMap()
  }

  /** The statement with what its names may mean, also once it has changed the path itself. */
  resolve(statement: AnalysedStatement): AnalysedStatement {
    const { path } = statement
    if (this.#schemas?.length === 0 && (path === undefined || path.puts?.length === 0)) return statement
    const known = this.#resolved.get(statement)
    if (known !== undefined) return known
    const own = path?.puts ?? (path === undefined ? [] : null)
    const resolved = inSearchPath(statement, union(this.#schemas, own))
    this.#resolved.set(statement, resolved)
    return resolved
  }
}

/**
 * A statement in a session whose search path was changed: names without a schema may be those of the schemas put into it.
 * @param schemas null: any may have been
 */
function inSearchPath(statement: AnalysedStatement, schemas: readonly string[] | null): AnalysedStatement {
  const { facts, path } = statement
  const isBare = path !== undefined && path.tables.length > 0
  // named anywhere but first, others come before PostgreSQL's own
  const isShadowed = facts.functions.length > 0 && (schemas === null || schemas.indexOf(catalog) > 0)
  const hidden: EffectFact[] = isShadowed && !facts.is_write ? ['is_write'] : []
  let meant: Partial<StatementFacts> = {}
  if (isBare && schemas === null) {
    hidden.push('tables', 'target_tables')
    meant = { tables: [], target_tables: [] }
  } else if (isBare && schemas !== null) {
    const inAll = (fact: 'tables' | 'target_tables', bare: readonly string[]) =>
      isUnknown(statement, fact) ? facts[fact] : withSchemas(facts[fact], bare, schemas)
    meant = { tables: inAll('tables', path.tables), target_tables: inAll('target_tables', path.targets) }
  }
  const more = hidden.filter((fact) => !isUnknown(statement, fact))
  const unknowns = more.map((fact) => ({ path: `sql.${fact}`, because: 'unparsed' as const }))
  return { ...statement, facts: { ...facts, ...meant }, unknowns: [...statement.unknowns, ...unknowns] }
}

function withSchemas(names: readonly string[], bare: readonly string[], schemas: readonly string[]): readonly string[] {
  return [...new Set([...names, ...bare.flatMap((name) => schemas.map((schema) => `${schema}.${name}`))])].sort()
}

function isUnknown({ unknowns }: AnalysedStatement, fact: EffectFact): boolean {
  return unknowns.some(({ path }) => path === `sql.${fact}`)
}

function union(known: readonly string[] | null, more: readonly string[] | null): readonly string[] | null {
  if (known === null || more === null) return null
  const all = [...known, ...more.filter((schema) => !known.includes(schema))]
  return all.length > mostSchemas ? null : all
}
