import type { Closing, Judged, Session } from '../../../contract/plugin.ts'
import type { AnalysedStatement } from '../../../contract/sql.ts'
import { deciderLabel, type ResultLimits } from '../../../contract/verdict.ts'
import { Result } from './result.ts'

/** Most of the names of columns that are recorded, characters. */
const mostNamed = 16_384

/** A statement that was judged. */
export interface Cleared {
  readonly statement: AnalysedStatement
  readonly judged: Judged
}

/** A query on the server: one statement, or several that the server itself is to refuse. */
export class Running {
  readonly cleared: readonly Cleared[]
  readonly result: Result
  bytesUp = 0
  bytesDown = 0
  #rowsUp = 0
  #columns: string[] | null = null
  #isNamed = false
  #namedBytes = 0
  /** Whether the server was asked to stop it. */
  isCancelled = false
  readonly #session: Session

  constructor(session: Session, cleared: readonly Cleared[]) {
    this.#session = session
    this.cleared = cleared
    this.result = new Result(tightest(cleared))
  }

  get statements(): readonly AnalysedStatement[] {
    return this.cleared.map(({ statement }) => statement)
  }

  /** What an agent is told in place of the rest of a result that broke a limit. */
  get excess(): string {
    const { exceeded } = this.result
    const by = this.cleared.find(({ judged: { ruling } }) => ruling.kind === 'allow' && ruling.limits !== undefined)
    if (exceeded === null || by === undefined || by.judged.ruling.kind === 'deny') return 'the result is too large'
    const { decider, limits } = by.judged.ruling
    const what = `limit_${exceeded} = ${limits?.[exceeded] ?? 0}`
    return `the result is over ${what} of rule "${deciderLabel(decider)}" (action ${by.judged.action.id})`
  }

  /** Notes a column of the block that comes next; the first block names them all. */
  column(name: string): void {
    if (this.#isNamed || this.#namedBytes > mostNamed) return
    this.#columns ??= []
    this.#columns.push(name)
    this.#namedBytes += name.length
  }

  /** Notes that a block of the result has ended. */
  named(): void {
    this.#isNamed = this.#columns !== null
  }

  /** Notes a block that is inserted. */
  insert(rows: number): void {
    this.#rowsUp += rows
  }

  /**
   * Records how it ended.
   * @param code of the server's error; null: there was none
   * @param error why it did not run to its end; null: the server says how it went
   */
  close(code: number | null, error: string | null): void {
    const { rows } = this.result
    // of several the server runs none
    const result = this.#columns === null || this.cleared.length > 1 ? null : { columns: this.#columns, rows }
    for (const { statement, judged } of this.cleared) {
      const status = code === null ? this.#done(statement) : String(code)
      closeAction(this.#session, judged, {
        status: error === null ? status : 'error',
        error,
        bytesUp: this.bytesUp,
        bytesDown: this.bytesDown,
        ...(result === null || statement.facts.verb === 'insert' ? {} : { result }),
      })
    }
  }

  /** `SELECT 5`, as other databases say it. */
  #done({ facts: { verb } }: AnalysedStatement): string {
    const word = verb === '' ? 'OK' : verb.toUpperCase()
    const rows = verb === 'insert' && this.#rowsUp > 0 ? this.#rowsUp : this.result.rows
    return rows === 0 && verb !== 'select' ? word : `${word} ${rows}`
  }
}

/** Records the end of an action. */
export function closeAction(
  session: Session,
  { action }: Judged,
  { status, error = null, bytesUp = 0, bytesDown = 0, ...rest }: Pick<Closing, 'status'> & Partial<Closing>,
): void {
  session.close(action, { status, error, bytesUp, bytesDown, request: null, response: null, ...rest })
}

function tightest(cleared: readonly Cleared[]): ResultLimits {
  const all = cleared.flatMap(({ judged: { ruling } }) => (ruling.kind === 'allow' ? [ruling.limits ?? {}] : []))
  const rows = least(all.map((limits) => limits.rows))
  const bytes = least(all.map((limits) => limits.bytes))
  return { ...(rows === null ? {} : { rows }), ...(bytes === null ? {} : { bytes }) }
}

function least(values: readonly (number | undefined)[]): number | null {
  const known = values.filter((value) => value !== undefined)
  return known.length === 0 ? null : Math.min(...known)
}
