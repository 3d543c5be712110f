import type { Judged, Seen, Session } from '../../contract/plugin.ts'
import type { AnalysedStatement } from '../../contract/sql.ts'
import type { Standing } from '../../upstream/standing.ts'
import { after, type Soon } from '../../wire/after.ts'
import type { Conversation } from './conversation.ts'
import type { Outbox } from './outbox.ts'
import type { Limit, Outcome } from './owed.ts'
import {
  type BoundParams,
  noParams,
  type Params,
  paramsOf,
  pendingParams,
  takesParams,
  unknownParams,
} from './params.ts'
import type { Shape } from './prepared.ts'
import { denial, limitReached } from './respond.ts'
import type { SessionNames } from './session-names.ts'
import { isUnderstood, type SessionFacts, seenOf, withParams } from './sql-facts.ts'
import type { StatementReader } from './statement-reader.ts'

/** What the messages of an agent are handled with. */
export interface MessageParts {
  readonly session: Session
  readonly facts: SessionFacts
  readonly standing: Pick<Standing<unknown>, 'check'>
  readonly reader: StatementReader
  readonly names: SessionNames
  readonly conversation: Conversation
  readonly outbox: Outbox
}

/** A statement to be judged, and what it runs with. */
export interface Proposed {
  readonly statement: AnalysedStatement
  readonly params: Params
  /** Name of the portal that runs it. */
  readonly portal: string
}

/** A statement that may be sent. */
export interface Cleared {
  readonly statement: AnalysedStatement
  readonly judged: Judged
}

/** Has the statements of a session judged as what they turn out to run. */
export class Clearing {
  readonly #parts: MessageParts
  /** What is said of a statement is the same each time it is sent, but for its parameters. */
  readonly #seenBefore = new WeakMap<AnalysedStatement, Seen>()

  constructor(parts: MessageParts) {
    this.#parts = parts
  }

  /**
   * Judges statements sent together, in their order.
   * @returns those that may be sent: all of them; or, where one is denied, what the agent is told
   */
  clear(statements: readonly Proposed[]): Soon<readonly Cleared[] | Buffer> {
    return this.#clearFrom(statements, 0, [])
  }

  #clearFrom(statements: readonly Proposed[], from: number, cleared: Cleared[]): Soon<readonly Cleared[] | Buffer> {
    for (let at = from; at < statements.length; at += 1) {
      const refused = this.#clearOne(statements[at] as Proposed, cleared)
      if (refused instanceof Promise)
        return refused.then((answer) => answer ?? this.#clearFrom(statements, at + 1, cleared))
      if (refused !== null) return refused
    }
    return cleared
  }

  /** Adds a statement to those that may be sent; otherwise what the agent is told. */
  #clearOne({ statement, params, portal }: Proposed, cleared: Cleared[]): Soon<Buffer | null> {
    const { session, facts, names } = this.#parts
    const settled = after(this.#resolved(statement), (resolved) =>
      after(this.settleName(names.unseen.isFetched(resolved, portal)), () => resolved),
    )
    return after(settled, (resolved) => {
      const known = names.unseen.asFetched(resolved, portal)
      this.#check(cleared)
      const runs = known === resolved ? params : unknownParams('unparsed')
      return after(session.judge(this.#seen(known, runs)), (judged) => {
        if (judged.ruling.kind === 'allow') {
          cleared.push({ statement: known, judged })
          facts.path.sent(known)
          return null
        }
        this.closeUnsent(cleared, 'not sent: another statement of the message was denied')
        closing(session, judged, 0, null)({ status: 'denied', error: null, copiedIn: 0, bytesDown: 0 })
        return denial(judged.ruling, judged.action.id)
      })
    })
  }

  /** Ends in the record what is not sent after all. */
  closeUnsent(cleared: readonly Cleared[], error: string): void {
    for (const { judged } of cleared)
      closing(this.#parts.session, judged, 0, null)({ status: 'error', error, copiedIn: 0, bytesDown: 0 })
  }

  /** Waits until the server has said what became of a name. */
  settleName(isUnsure: boolean): Soon<void> {
    return isUnsure ? this.caughtUp() : undefined
  }

  /** Waits until the server has answered everything it has to. */
  caughtUp(): Soon<void> {
    const { conversation, outbox } = this.#parts
    if (conversation.isCaughtUp) return
    outbox.flush()
    return conversation.caughtUp()
  }

  /** Nothing more is judged once the session may not go on. */
  #check(cleared: readonly Cleared[]): void {
    try {
      this.#parts.standing.check()
    } catch (error) {
      this.closeUnsent(cleared, 'not sent: the session ended')
      throw error
    }
  }

  #seen(statement: AnalysedStatement, params: Params): Seen {
    const { facts } = this.#parts
    const resolved = facts.path.resolve(statement)
    const known = this.#seenBefore.get(resolved)
    const seen = known ?? { ...seenOf(resolved, facts), isKept: true }
    if (known === undefined) this.#seenBefore.set(resolved, seen)
    return params === noParams ? seen : withParams(seen, resolved, params, facts.recordsParams)
  }

  /** An EXECUTE runs what was prepared: that is what is judged. */
  #resolved(statement: AnalysedStatement): Soon<AnalysedStatement> {
    if (statement.facts.verb !== 'execute' || isUnderstood(statement)) return statement
    const { names, reader } = this.#parts
    const name = names.executed(statement)
    if (name === null) return statement
    return after(this.settleName(names.isUnsure('statement', name)), () => {
      const source = names.source(name)
      return source === null ? statement : reader.executed(source, statement)
    })
  }
}

/** A statement that runs. */
export function running(statement: AnalysedStatement, bound: BoundParams, portal = ''): Proposed {
  return { statement, params: paramsOf(statement, bound), portal }
}

/** A statement that is parsed, to run later. */
export function prepared(statement: AnalysedStatement, types: readonly number[]): Proposed {
  const isOpen = types.length > 0 || takesParams(statement.facts.statement)
  return isOpen ? { statement, params: pendingParams, portal: '' } : running(statement, noParams)
}

/** What the rule that allowed a statement lets it give; null: as much as there is. */
export function limitOf({ action, ruling }: Judged): Limit | null {
  if (ruling.kind === 'deny' || ruling.limits === undefined) return null
  return { limits: ruling.limits, told: (over, ending) => limitReached(ruling, action.id, over, ending) }
}

/**
 * Ends a statement in the record.
 * @param shape of its result, where the server told it before
 */
export function closing(session: Session, { action }: Judged, bytesUp: number, shape: Shape | null) {
  return ({ status, error, copiedIn, bytesDown, rows = 0, columns: told = null }: Outcome) => {
    const columns = told ?? shape?.columns ?? null
    const ended = { status, error, bytesUp: bytesUp + copiedIn, bytesDown, request: null, response: null }
    session.close(action, rows === 0 && columns === null ? ended : { ...ended, result: { columns, rows } })
  }
}
