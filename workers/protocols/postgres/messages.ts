import { randomBytes } from 'node:crypto'
import { serialize } from 'pg-protocol'
import { ClawError } from '../../contract/errors.ts'
import type { Judged, Seen, Session } from '../../contract/plugin.ts'
import type { AnalysedStatement } from '../../contract/sql.ts'
import { redeem } from '../../rules/gate.ts'
import type { Standing } from '../../upstream/standing.ts'
import { readBind } from './bind-message.ts'
import type { Conversation, Outcome, Sent } from './conversation.ts'
import {
  executeName,
  type FrontendMessage,
  frontend,
  longestName,
  longestStatement,
  parseParts,
  queryText,
  targetOf,
  typeList,
} from './frontend.ts'
import type { Outbox } from './outbox.ts'
import { type BoundParams, boundParams, noParams, type Params, paramsOf, pendingParams, takesParams } from './params.ts'
import { isReplicationVerb } from './replication.ts'
import { denial, errorResponse } from './respond.ts'
import type { SessionNames } from './session-names.ts'
import { isUnderstood, type SessionFacts, seenOf, unseen, withParams } from './sql-facts.ts'
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
interface Proposed {
  readonly statement: AnalysedStatement
  readonly params: Params
}

/** A statement that may be sent. */
interface Cleared {
  readonly statement: AnalysedStatement
  readonly judged: Judged
}

const sync = serialize.sync()

/**
 * Handles the messages of an agent one after the other: each statement is judged before a byte of it goes on. In place
 * of what is denied the server gets a message that fails, so that it and the agent agree on what follows.
 */
export class AgentMessages {
  readonly #parts: MessageParts
  /** Runs a portal that does not exist. */
  readonly #failing: Buffer
  /** Messages sent since the last Sync whose answers the server may hold back. */
  #unanswered = 0
  /** What is said of a statement is the same each time it is sent, but for its parameters. */
  readonly #seenBefore = new WeakMap<AnalysedStatement, Seen>()

  constructor(parts: MessageParts) {
    this.#parts = parts
    this.#failing = serialize.execute({ portal: `clawpatrol_denied_${randomBytes(12).toString('hex')}` })
  }

  /**
   * Handles one message. Whether it goes to the server; its rest goes where its beginning does.
   * @throws ClawError when the session cannot go on
   */
  handle(message: FrontendMessage): boolean | Promise<boolean> {
    const { conversation, outbox } = this.#parts
    if (message.type === frontend.terminate) return true
    if (message.type === frontend.sync) return this.#sync()
    if (conversation.isSkipping) return false
    switch (message.type) {
      case frontend.copyData:
        conversation.copiedIn(message.bytes)
        return true
      case frontend.flush:
        outbox.isDue = true
        return true
      case frontend.copyDone:
      case frontend.copyFail:
        outbox.isDue = true
        conversation.sent({ kind: 'copyEnd', statements: [] })
        return true
      default:
        this.#forbidDuringCopy()
    }
    switch (message.type) {
      case frontend.query:
        return this.#query(message)
      case frontend.parse:
        return this.#parse(message)
      case frontend.bind:
        return this.#bind(message)
      case frontend.execute:
        return this.#execute(message)
      case frontend.describe:
        return this.#describe(message)
      case frontend.close:
        return this.#close(message)
      default:
        return this.#functionCall()
    }
  }

  #sync(): true {
    const { conversation, names, outbox } = this.#parts
    conversation.sent({ kind: 'sync', statements: [], stretch: names.stretch })
    names.endStretch()
    this.#parts.reader.endStretch()
    this.#unanswered = 0
    outbox.isDue = true
    return true
  }

  async #query(message: FrontendMessage): Promise<boolean> {
    const { conversation, names, outbox } = this.#parts
    const statements = await this.#read(queryText(message))
    const cleared = await this.#clear(statements.map((statement) => running(statement, noParams)))
    if (cleared === null) return await this.#fail(true)
    if (!this.#mayGo(cleared)) return false
    conversation.sent({
      kind: 'query',
      statements: cleared.map((one) => this.#send(one, this.#noteEffects(one.statement), bytesOf(one, message))),
      stretch: names.stretch,
      ...(cleared.some(({ statement }) => isReplicationVerb(statement.facts.verb)) ? { isReplication: true } : {}),
    })
    names.endStretch()
    outbox.isDue = true
    return true
  }

  async #parse(message: FrontendMessage): Promise<boolean> {
    const { conversation, names } = this.#parts
    const { name, text, types } = parseParts(message)
    if (name === null) return await this.#failAs(nameTooLong)
    const statements = await this.#read(text)
    const cleared = await this.#clear(statements.map((statement) => prepared(statement, types)))
    if (cleared === null) return await this.#fail(false)
    if (!this.#mayGo(cleared)) return false
    const [one] = cleared
    // of several the server takes none
    const statement = cleared.length > 1 ? unseen('', 'unparsed') : (one?.statement ?? null)
    const { undo, done } = names.parsed(name, statement, types)
    const [first, ...rest] = cleared.map((each) => this.#send(each, null, message.bytes))
    const sent: Sent = { undo, done, close: first?.close ?? null }
    conversation.sent({ kind: 'parse', statements: [sent, ...rest] })
    this.#unanswered += 1
    return true
  }

  async #bind(message: FrontendMessage): Promise<boolean> {
    const { conversation, names, reader } = this.#parts
    const { portal, statement, values } = readBind(message)
    if (portal === null || statement === null) return await this.#failAs(nameTooLong)
    await this.#settleName(names.isUnsure('statement', statement))
    if (conversation.isSkipping) return false
    const textOf = (bytes: Buffer) => reader.value(bytes)
    const { undo, done } = names.bound(portal, statement, (types) => boundParams(values, types, textOf))
    conversation.sent({ kind: 'bind', statements: [{ undo, done, close: null }] })
    this.#unanswered += 1
    return true
  }

  async #execute(message: FrontendMessage): Promise<boolean> {
    const { conversation, names, reader } = this.#parts
    const name = executeName(message)
    if (name === null) return await this.#failAs(nameTooLong)
    await this.#settleName(names.isUnsure('portal', name))
    const bound = names.portal(name)
    const cleared = bound === null ? [] : await this.#clear([running(bound.statement, bound.params)])
    if (cleared === null) return await this.#fail(false)
    if (!this.#mayGo(cleared)) return false
    if (bound !== null) reader.ran(bound.statement)
    conversation.sent({
      kind: 'execute',
      statements: cleared.map((one) => this.#send(one, this.#noteEffects(one.statement), message.bytes)),
    })
    this.#unanswered += 1
    return true
  }

  #describe(message: FrontendMessage): boolean | Promise<boolean> {
    const { kind, name } = targetOf(message)
    if (name === null) return this.#failAs(nameTooLong)
    const learn = kind === 'statement' ? this.#parts.names.described(name) : null
    const described = (body: Buffer) => learn?.(describedTypes(body))
    this.#parts.conversation.sent({ kind: 'describe', statements: [], ...(learn === null ? {} : { described }) })
    this.#unanswered += 1
    return true
  }

  #close(message: FrontendMessage): boolean | Promise<boolean> {
    const { kind, name } = targetOf(message)
    if (name === null) return this.#failAs(nameTooLong)
    const undo = this.#parts.names.closed(kind, name)
    this.#parts.conversation.sent({ kind: 'close', statements: [{ undo, done: null, close: null }] })
    this.#unanswered += 1
    return true
  }

  #functionCall(): Promise<boolean> {
    const because = 'a function called by message has no SQL text to judge'
    this.#parts.session.refuse('FUNCTION CALL', because, {})
    this.#answer = errorResponse('42501', `clawpatrol denied this call: ${because}`, {
      hint: 'Call the function with SELECT.',
    })
    return this.#fail(true)
  }

  /** Waits until it is known how the server reads text, and takes the text apart. */
  async #read(text: Buffer | null): Promise<readonly AnalysedStatement[]> {
    const { reader, conversation } = this.#parts
    if (text === null) return [unseen('', 'truncated')]
    if (reader.isCareful) await this.#caughtUp()
    if (conversation.isOver) return []
    return reader.read(text)
  }

  /** Judges statements sent together, in their order; null: one is denied, and `#answer` says so. */
  async #clear(statements: readonly Proposed[]): Promise<readonly Cleared[] | null> {
    const { session, outbox } = this.#parts
    const cleared: Cleared[] = []
    for (const { statement, params } of statements) {
      const known = await this.#resolved(statement)
      if (outbox.isDue) outbox.flush()
      this.#check(cleared)
      const judged = await session.judge(this.#seen(known, params))
      if (judged.ruling.kind === 'allow') {
        cleared.push({ statement: known, judged })
        this.#parts.facts.path.sent(known)
        continue
      }
      this.#closeUnsent(cleared, 'not sent: another statement of the message was denied')
      closing(session, judged, 0)({ status: 'denied', error: null, copiedIn: 0, bytesDown: 0 })
      this.#answer = denial(judged.ruling, judged.action.id)
      return null
    }
    return cleared
  }

  /** Nothing more is judged once the session may not go on. */
  #check(cleared: readonly Cleared[]): void {
    try {
      this.#parts.standing.check()
    } catch (error) {
      this.#closeUnsent(cleared, 'not sent: the session ended')
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
  async #resolved(statement: AnalysedStatement): Promise<AnalysedStatement> {
    if (statement.facts.verb !== 'execute' || isUnderstood(statement)) return statement
    const { names, reader } = this.#parts
    const name = names.executed(statement)
    if (name === null) return statement
    await this.#settleName(names.isUnsure('statement', name))
    const source = names.source(name)
    return source === null ? statement : reader.executed(source, statement)
  }

  #noteEffects(statement: AnalysedStatement) {
    this.#parts.reader.sent(statement)
    return this.#parts.names.ran(statement)
  }

  /** A statement on its way: its leave is used up here. */
  #send({ judged }: Cleared, names: Pick<Sent, 'undo' | 'done'> | null, bytesUp: number): Sent {
    if (judged.ruling.kind === 'allow') redeem(judged.ruling.permit, judged.action.id)
    return {
      undo: names?.undo ?? null,
      done: names?.done ?? null,
      close: closing(this.#parts.session, judged, bytesUp),
    }
  }

  /** Whether what was judged can still be sent: in the meantime the session may have failed, or be over. */
  #mayGo(cleared: readonly Cleared[]): boolean {
    const { conversation } = this.#parts
    if (!conversation.isOver && !conversation.isSkipping && !conversation.isCopyingIn) return true
    this.#closeUnsent(cleared, 'not sent: what was sent before it failed')
    if (!conversation.isOver && !conversation.isSkipping) this.#forbidDuringCopy()
    return false
  }

  #closeUnsent(cleared: readonly Cleared[], error: string): void {
    for (const { judged } of cleared)
      closing(this.#parts.session, judged, 0)({ status: 'error', error, copiedIn: 0, bytesDown: 0 })
  }

  #forbidDuringCopy(): void {
    if (!this.#parts.conversation.isCopyingIn) return
    throw new ClawError('CP_PROTOCOL', 'Cannot go on: the server waits for data, and something else was sent')
  }

  /** What the agent is told of what is denied next. */
  #answer: Buffer = nameTooLong

  async #failAs(answer: Buffer): Promise<boolean> {
    this.#answer = answer
    return await this.#fail(false)
  }

  /** Makes the server fail where something was denied; the agent gets `#answer` in place of its error. */
  async #fail(isQuery: boolean): Promise<false> {
    const { conversation, outbox, names } = this.#parts
    const answer = this.#answer
    if (conversation.isSkipping || conversation.isOver) return false
    this.#forbidDuringCopy()
    if (!isQuery) {
      conversation.sent({ kind: 'denied', statements: [], answer })
      conversation.isSkipping = true
      outbox.add(this.#failing)
      // a client may wait for the error before it sends a Sync
      outbox.isDue = true
      return false
    }
    let goesOn = true
    if (this.#unanswered === 0) {
      conversation.sent({ kind: 'denied', statements: [], answer })
      outbox.add(this.#failing)
    } else {
      // had an earlier message failed, the server would skip a query, but not the Sync that ends its stand-in
      const settled = new Promise<boolean>((resolve) => {
        conversation.sent({ kind: 'denied', statements: [], answer, settled: resolve })
      })
      outbox.add(this.#failing)
      outbox.flush()
      goesOn = await settled
    }
    if (!goesOn) return false
    conversation.sent({ kind: 'sync', statements: [], stretch: names.stretch })
    names.endStretch()
    this.#unanswered = 0
    outbox.add(sync)
    outbox.isDue = true
    return false
  }

  async #settleName(isUnsure: boolean): Promise<void> {
    if (isUnsure) await this.#caughtUp()
  }

  async #caughtUp(): Promise<void> {
    const { conversation, outbox } = this.#parts
    if (conversation.isCaughtUp) return
    outbox.flush()
    await conversation.caughtUp()
  }
}

const nameTooLong = errorResponse('42622', `clawpatrol takes names of at most ${longestName} bytes`, {
  hint: 'The server would cut the name off.',
})

/** A statement that runs. */
function running(statement: AnalysedStatement, bound: BoundParams): Proposed {
  return { statement, params: paramsOf(statement, bound) }
}

/** A statement that is parsed, to run later. */
function prepared(statement: AnalysedStatement, types: readonly number[]): Proposed {
  const isOpen = types.length > 0 || takesParams(statement.facts.statement)
  return isOpen ? { statement, params: pendingParams } : running(statement, noParams)
}

/** Types in a ParameterDescription; empty when it is too long to be read. */
function describedTypes(body: Buffer): readonly number[] {
  const count = body.length < 2 ? -1 : body.readUInt16BE(0)
  return body.length === 2 + 4 * count ? typeList(body, 2, count) : []
}

function closing(session: Session, { action }: Judged, bytesUp: number) {
  return ({ status, error, copiedIn, bytesDown }: Outcome) =>
    session.close(action, { status, error, bytesUp: bytesUp + copiedIn, bytesDown, request: null, response: null })
}

/** Bytes of one statement of a message: of the only one, all of it. */
function bytesOf({ statement }: Cleared, { bytes }: FrontendMessage): number {
  const { statement_count: count, statement: text } = statement.facts
  return count > 1 && text.length <= longestStatement ? Buffer.byteLength(text) : bytes
}
