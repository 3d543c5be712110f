import type { AnalysedStatement } from '../../contract/sql.ts'
import type { StatementCache } from '../../wire/sql/statement-cache.ts'
import type { Lexing } from './lexing.ts'
import { isUnderstood, unseen } from './sql-facts.ts'

/** Statements that leave the way text is read alone, also when what they do is rolled back. */
const steady: ReadonlySet<string> = new Set(['select', 'insert', 'update', 'delete', 'merge', 'copy', 'begin'])

/**
 * Takes the texts of one session apart. What was sent and not understood may change how the server reads what follows:
 * from then on nothing is relied on that the server has not confirmed.
 */
export class StatementReader {
  readonly #cache: StatementCache
  readonly #lexing: Lexing
  #hasSentDoubtful = false
  /** Something ran since the last Sync that may have changed how text is read; the server tells of it after a Sync. */
  #isInDoubt = false

  constructor(cache: StatementCache, lexing: Lexing) {
    this.#cache = cache
    this.#lexing = lexing
  }

  /** Whether everything sent has to be answered before a text can be taken apart. */
  get isCareful(): boolean {
    return this.#hasSentDoubtful || this.#lexing.wasStrange
  }

  read(bytes: Buffer): readonly AnalysedStatement[] {
    const { text, unknown } = this.#lexing.read(bytes)
    if (unknown !== null) return isBlank(text) ? [] : [unseen(text, unknown)]
    if (this.isCareful && this.#isInDoubt) return isBlank(text) ? [] : [unseen(text, 'unparsed')]
    return this.#cache.analyse(text)
  }

  /** A value the server reads as text; null: it cannot be told what the server makes of it. */
  value(bytes: Buffer): string | null {
    const { text, unknown } = this.#lexing.read(bytes)
    // how strings are quoted does not matter to it
    const isReadable = unknown !== 'undecodable' && !(this.isCareful && this.#isInDoubt)
    return isReadable && !text.includes('\0') ? text : null
  }

  /**
   * An EXECUTE with what it runs.
   * @param source the PREPARE statement
   */
  executed(source: string, statement: AnalysedStatement): AnalysedStatement {
    const { facts } = statement
    const [prepare, execute, ...more] = this.#cache.analyse(`${source}\n;${facts.statement}`)
    if (prepare?.facts.verb !== 'prepare' || execute?.facts.verb !== 'execute' || more.length > 0) return statement
    const { statement: text, statement_count } = facts
    return { ...execute, facts: { ...execute.facts, statement: text, statement_count } }
  }

  /** Takes note of a statement that goes to the server. */
  sent(statement: AnalysedStatement): void {
    if (!isUnderstood(statement)) this.#hasSentDoubtful = true
  }

  /** Takes note of one that runs before the next Sync. */
  ran(statement: AnalysedStatement): void {
    if (!isUnderstood(statement) || !steady.has(statement.facts.verb)) this.#isInDoubt = true
  }

  endStretch(): void {
    this.#isInDoubt = false
  }
}

function isBlank(text: string): boolean {
  return /^[ \t\r\n\f]*$/.test(text)
}
