import type { AnalysedStatement } from '../../contract/sql.ts'
import type { BoundParams } from './params.ts'
import type { Amount } from './tally.ts'

/** What a name of a session stands for. */
export interface Named {
  /** The statement to be told of when it runs; null: there is nothing in it. */
  readonly statement: AnalysedStatement | null
  /** What PREPARE would make it of, for EXECUTE; null: it cannot be written so. */
  readonly source: string | null
  /** Of a prepared statement: types of its parameters as far as they are known, by number; 0: it is not. */
  types: readonly number[]
  /** Of a portal: what it was bound with. */
  readonly params: BoundParams
  /** Of a portal: what it gave so far. */
  readonly given: Amount
  /** Columns of its result; of a portal those of its statement. */
  readonly shape: Shape
  /** Number of the stretch between two Syncs it was made in. */
  readonly stretch: number
  /** Whether the server said that it was made. */
  isMade: boolean
}

/** What the server said of a result. */
export interface Shape {
  /** Names; null: it was not asked. */
  columns: readonly string[] | null
}

/** Takes back what the server turned out not to do. */
export type Undo = () => void

/** More names of a kind than these are not remembered: what they stand for is then unknown. */
const mostNames = 10_000
/** Texts of a session's prepared statements are remembered up to this, UTF-16 units. */
const mostText = 8 << 20

/** The prepared statements, or the portals, of a session, as far as the messages sent so far say. */
export class Names {
  readonly #named = new Map<string, Named>()
  #text = 0

  get(name: string): Named | null {
    return this.#named.get(name) ?? null
  }

  /** Gives a name a meaning, before the server agrees. */
  set(name: string, named: Named): Undo {
    const before = this.get(name)
    if (!this.#fits(name, named)) return this.delete(name)
    this.#put(name, named)
    return () => {
      // by then it may mean something else, or nothing
      if (this.get(name) === named) this.#put(name, before)
    }
  }

  delete(name: string): Undo {
    const before = this.get(name)
    if (before === null) return () => undefined
    this.#put(name, null)
    return () => {
      if (this.get(name) === null) this.#put(name, before)
    }
  }

  /** Forgets those made in a stretch up to this one. */
  forgetUpTo(stretch: number): void {
    for (const [name, named] of this.#named) if (named.stretch <= stretch) this.#put(name, null)
  }

  /** Forgets all but the one without a name, which SQL cannot make. */
  forgetNamed(): void {
    for (const name of this.#named.keys()) if (name !== '') this.#put(name, null)
  }

  /** Whether that many more UTF-16 units would be remembered. */
  hasRoom(size: number): boolean {
    return this.#text + size <= mostText
  }

  /** Takes note of the types of its parameters, if the name still means it. */
  retype(name: string, named: Named, types: readonly number[]): void {
    const more = 4 * (types.length - named.types.length)
    if (this.get(name) !== named || !this.hasRoom(more)) return
    this.#text += more
    named.types = types
  }

  #fits(name: string, named: Named): boolean {
    const before = this.get(name)
    if (before === null && this.#named.size >= mostNames) return false
    return this.#text - sizeOf(before) + sizeOf(named) <= mostText
  }

  #put(name: string, named: Named | null): void {
    this.#text += sizeOf(named) - sizeOf(this.get(name))
    if (named === null) this.#named.delete(name)
    else this.#named.set(name, named)
  }
}

function sizeOf(named: Named | null): number {
  return named === null
    ? 0
    : (named.statement?.facts.statement.length ?? 0) + named.params.size + 4 * named.types.length
}

// spaces of ASCII alone are spaces to the server: any other belongs to a name
const prepares = /^[ \t\n\r\f\v]*prepare[ \t\n\r\f\v]+("(?:[^"\0]|"")+"|[a-z_][\w$]*)(?=[ \t\n\r\f\v(])/i
const executes = /^[ \t\n\r\f\v]*execute[ \t\n\r\f\v]+("(?:[^"\0]|"")+"|[a-z_][\w$]*)(?=[ \t\n\r\f\v(;]|$)/i

/** Name a PREPARE statement gives; null: it cannot be told. */
export function preparedName(text: string): string | null {
  return nameIn(prepares.exec(text)?.[1])
}

/** Name an EXECUTE statement runs; null: it cannot be told. */
export function executedName(text: string): string | null {
  return nameIn(executes.exec(text)?.[1])
}

/** The name as messages write it. */
function nameIn(written: string | undefined): string | null {
  if (written === undefined) return null
  const name = written.startsWith('"') ? written.slice(1, -1).replaceAll('""', '"') : written.toLowerCase()
  const bytes = Buffer.from(name)
  // the server would cut it off
  return bytes.length > 63 ? null : bytes.toString('latin1', 0, bytes.length)
}

/** The statement as PREPARE has it. */
export function asPrepare(name: string, text: string): string {
  return `PREPARE "${Buffer.from(name, 'latin1').toString().replaceAll('"', '""')}" AS ${text}`
}
