import type { AnalysedStatement } from '../../contract/sql.ts'
import { isObscure } from '../../wire/sql/unseen-statement.ts'
import type { Sent } from './owed.ts'
import { type BoundParams, noParams, unknownParams } from './params.ts'
import { asPrepare, executedName, type Named, Names, preparedName, type Shape } from './prepared.ts'
import { unseen } from './sql-facts.ts'
import type { StatementReader } from './statement-reader.ts'
import type { Amount } from './tally.ts'
import { UnseenPortals } from './unseen-portals.ts'

type Effect = Pick<Sent, 'undo' | 'done'>

/** A statement with the parameters of its portal. */
export interface BoundStatement {
  readonly statement: AnalysedStatement
  readonly params: BoundParams
  /** What the portal gave so far. */
  readonly given: Amount
  readonly shape: Shape
  /** To be called when the server executed it. */
  readonly ran: () => void
}

/** Takes note of what a server says of a prepared statement or a portal. */
export interface Learner {
  readonly types: (types: readonly number[]) => void
  readonly columns: (columns: readonly string[]) => void
}

/** Names of columns are remembered up to this over a session, UTF-16 units. */
const mostColumnText = 4 << 20

const noEffect: Effect = { undo: null, done: null }

/** What the names of prepared statements and portals of one session stand for, by messages and by SQL. */
export class SessionNames {
  readonly #statements = new Names()
  readonly #portals = new Names()
  /** Those of the portals that SQL may run unjudged. */
  readonly unseen = new UnseenPortals()
  #columnText = 0
  /** Number of the stretch of messages up to the next Sync or Query. */
  stretch = 1
  readonly #reader: StatementReader

  constructor(reader: StatementReader) {
    this.#reader = reader
  }

  endStretch(): void {
    this.stretch += 1
  }

  /** Whether a name was given a meaning that the server has neither confirmed nor can have refused by now. */
  isUnsure(kind: 'statement' | 'portal', name: string): boolean {
    const named = (kind === 'statement' ? this.#statements : this.#portals).get(name)
    return named !== null && !named.isMade && named.stretch !== this.stretch
  }

  /** A Parse. */
  parsed(name: string, statement: AnalysedStatement | null, types: readonly number[] = []): Effect {
    const isPlain = statement !== null && !isObscure(statement) && statement.facts.statement_count === 1
    return this.#make(this.#statements, name, {
      statement,
      source: isPlain && name !== '' ? asPrepare(name, statement.facts.statement) : null,
      types,
    })
  }

  /**
   * A Bind.
   * @param params what it gives, where the parameters are of these types
   */
  bound(portal: string, name: string, params: (types: readonly number[]) => BoundParams = () => noParams): Effect {
    const named = this.#statements.get(name)
    const statement = named === null ? unseen('', 'unparsed') : named.statement
    const given = params(named?.types ?? [])
    const room = this.#portals.hasRoom(given.size + (statement?.facts.statement.length ?? 0))
    const amount = { rows: 0, bytes: 0 }
    if (statement !== null) this.unseen.bound(portal, amount, this.stretch)
    return this.#make(this.#portals, portal, {
      statement,
      source: null,
      params: room ? given : unknownParams('truncated'),
      given: amount,
      ...(named === null ? {} : { shape: named.shape }),
    })
  }

  /** A Describe; what to call with what the server says. */
  described(kind: 'statement' | 'portal', name: string): Learner | null {
    const named = (kind === 'statement' ? this.#statements : this.#portals).get(name)
    if (named === null) return null
    return {
      types: (types) => {
        if (kind === 'statement') this.#statements.retype(name, named, types)
      },
      columns: (columns) => this.#keepColumns(named.shape, columns),
    }
  }

  #keepColumns(shape: Shape, columns: readonly string[]): void {
    if (shape.columns !== null) return
    this.#columnText += columns.reduce((sum, column) => sum + column.length + 16, 0)
    if (this.#columnText <= mostColumnText) shape.columns = columns
  }

  /** A Close. */
  closed(kind: 'statement' | 'portal', name: string) {
    return (kind === 'statement' ? this.#statements : this.#portals).delete(name)
  }

  /** What a portal runs, with what; null: there is nothing in it. */
  portal(name: string): BoundStatement | null {
    const named = this.#portals.get(name)
    if (named === null)
      return {
        statement: unseen('', 'unparsed'),
        params: unknownParams('unparsed'),
        given: { rows: 0, bytes: 0 },
        shape: { columns: null },
        ran: nothing,
      }
    const { statement, params, given, shape } = named
    return statement === null ? null : { statement, params, given, shape, ran: () => this.unseen.executed(name, given) }
  }

  /** Name of the prepared statement an EXECUTE runs; null: it cannot be told. */
  executed({ facts }: AnalysedStatement): string | null {
    return facts.statement_count === 1 ? executedName(facts.statement) : null
  }

  /** The PREPARE that a name may be thought to come from. */
  source(name: string): string | null {
    return this.#statements.get(name)?.source ?? null
  }

  /** What a statement that is being sent does to names. */
  ran(statement: AnalysedStatement): Effect {
    const { verb, verbs, statement: text } = statement.facts
    if (isObscure(statement)) {
      this.#forgetNamed()
      return noEffect
    }
    if (verbs.includes('declare') || verbs.includes('close')) this.#portals.forgetNamed()
    if (verb === 'discard') this.#forgetNamed()
    if (!verbs.includes('prepare')) return noEffect
    const name = verb === 'prepare' ? preparedName(text) : null
    if (name !== null) return this.#make(this.#statements, name, { statement: this.#run(text, name), source: text })
    this.#statements.forgetNamed()
    return noEffect
  }

  /** A transaction ended: its portals are gone. */
  transactionEnded(stretch: number): void {
    this.#portals.forgetUpTo(stretch)
    this.unseen.transactionEnded(stretch)
  }

  #make(names: Names, name: string, made: Pick<Named, 'statement' | 'source'> & Partial<Named>): Effect {
    const { statement, source, types = [], params = noParams, shape = { columns: null } } = made
    const { given = { rows: 0, bytes: 0 } } = made
    const named: Named = { statement, source, types, params, given, shape, stretch: this.stretch, isMade: false }
    const undo = names.set(name, named)
    const done = () => {
      named.isMade = true
    }
    return { undo, done }
  }

  /** What a Bind of a statement made by PREPARE runs; shown as the PREPARE, which says all of it. */
  #run(text: string, name: string): AnalysedStatement {
    const word = Buffer.from(name, 'latin1').toString().replaceAll('"', '""')
    const run = this.#reader.executed(text, unseen(`EXECUTE "${word}"`, 'unparsed'))
    return { ...run, facts: { ...run.facts, statement: text } }
  }

  #forgetNamed(): void {
    this.#statements.forgetNamed()
    this.#portals.forgetNamed()
  }
}

function nothing(): void {}
