import { type AnalysedStatement, effectFacts } from '../../contract/sql.ts'
import { noFacts } from '../../wire/sql/unseen-statement.ts'

/** More portals than these are not told apart. */
const mostPortals = 1000

/** Statements that may run what a portal was bound to, by the portal's name. */
const fetchingVerbs: ReadonlySet<string> = new Set(['fetch', 'move', 'do'])
const fetchingFunctions: ReadonlySet<string> = new Set(['cursor_to_xml', 'cursor_to_xmlschema'])

/**
 * Portals that were bound and not executed by message: what they run was not judged with its parameters, and SQL can
 * fetch from them as from a cursor.
 */
export class UnseenPortals {
  readonly #bound = new Map<string, { readonly portal: object; readonly stretch: number }>()
  /** Stretch of the last one that was not noted. */
  #uncounted = 0

  /** @param portal what is executed later */
  bound(name: string, portal: object, stretch: number): void {
    if (this.#bound.size < mostPortals || this.#bound.has(name)) this.#bound.set(name, { portal, stretch })
    else this.#uncounted = stretch
  }

  /** The server executed it, as it was judged. */
  executed(name: string, portal: object): void {
    if (this.#bound.get(name)?.portal === portal) this.#bound.delete(name)
  }

  /** A transaction ended with a stretch: its portals are gone. */
  transactionEnded(stretch: number): void {
    for (const [name, bound] of this.#bound) if (bound.stretch <= stretch) this.#bound.delete(name)
    if (this.#uncounted <= stretch) this.#uncounted = 0
  }

  /** Whether a statement that runs in the portal `own` may fetch from one of them. */
  isFetched(statement: AnalysedStatement, own: string): boolean {
    const others = this.#bound.size - (this.#bound.has(own) ? 1 : 0)
    return (others > 0 || this.#uncounted > 0) && mayFetch(statement)
  }

  /**
   * The statement as it may be judged: one that may fetch from a portal nobody has seen run may do anything.
   * @param own portal that runs it
   */
  asFetched(statement: AnalysedStatement, own: string): AnalysedStatement {
    if (!this.isFetched(statement, own)) return statement
    const { facts, unknowns, path } = statement
    const hidden = effectFacts.filter((fact) => !unknowns.some((unknown) => unknown.path === `sql.${fact}`))
    const { verb, statement: text, statement_count } = facts
    return {
      facts: { ...noFacts, verb, statement: text, statement_count },
      unknowns: [...unknowns, ...hidden.map((fact) => ({ path: `sql.${fact}`, because: 'unparsed' as const }))],
      ...(path === undefined ? {} : { path }),
    }
  }
}

function mayFetch({ facts: { verbs, functions } }: AnalysedStatement): boolean {
  return verbs.some((verb) => fetchingVerbs.has(verb)) || functions.some((name) => fetchingFunctions.has(name))
}
