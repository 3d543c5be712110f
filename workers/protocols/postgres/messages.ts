import { randomBytes } from 'node:crypto'
import { serialize } from 'pg-protocol'
import { ClawError } from '../../contract/errors.ts'
import type { AnalysedStatement } from '../../contract/sql.ts'
import { redeem } from '../../rules/gate.ts'
import { after, type Soon } from '../../wire/after.ts'
import { parameterTypes } from './backend.ts'
import { readBind } from './bind-message.ts'
import {
  type Cleared,
  Clearing,
  closing,
  limitOf,
  type MessageParts,
  type Proposed,
  prepared,
  running,
} from './clearing.ts'
import {
  executeName,
  type FrontendMessage,
  frontend,
  longestName,
  longestStatement,
  parseParts,
  queryText,
  targetOf,
} from './frontend.ts'
import { functionCall } from './function-call.ts'
import type { Sent } from './owed.ts'
import { type BoundParams, boundParams, noParams } from './params.ts'
import type { Shape } from './prepared.ts'
import { isReplicationVerb } from './replication.ts'
import { errorResponse } from './respond.ts'
import type { BoundStatement } from './session-names.ts'
import { unseen } from './sql-facts.ts'

const sync = serialize.sync()

/** How a text is run. */
interface Run {
  readonly bound: BoundParams
  readonly form: 'call' | null
}
const flush = serialize.flush()

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
  readonly #clearing: Clearing

  constructor(parts: MessageParts) {
    this.#parts = parts
    this.#clearing = new Clearing(parts)
    this.#failing = serialize.execute({ portal: `clawpatrol_denied_${randomBytes(12).toString('hex')}` })
  }

  /**
   * Handles one message. Whether it goes to the server; its rest goes where its beginning does.
   * @throws ClawError when the session cannot go on
   */
  handle(message: FrontendMessage): Soon<boolean> {
    const { conversation, outbox } = this.#parts
    if (message.type === frontend.terminate) return true
    if (conversation.isHolding) return this.#afterHeld(message)
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
        return this.#functionCall(message)
    }
  }

  /** Waits for the end of a statement that may have to be stopped, which must not hit what follows. */
  async #afterHeld(message: FrontendMessage): Promise<boolean> {
    const { conversation, outbox } = this.#parts
    outbox.add(flush)
    outbox.flush()
    while (conversation.isHolding) await conversation.progress()
    return !conversation.isOver && (await this.handle(message))
  }

  /** Makes the server fail; that is noted as owed already. */
  provoke(isQuery: boolean): void {
    const { outbox } = this.#parts
    outbox.add(this.#failing)
    if (isQuery) outbox.add(sync)
    outbox.flush()
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

  #query(message: FrontendMessage): Soon<boolean> {
    return this.#run(message, queryText(message), { bound: noParams, form: null })
  }

  /** What a message runs at once: all of a text, ended by a ReadyForQuery. */
  #run(message: FrontendMessage, text: Buffer | null, { bound, form }: Run): Soon<boolean> {
    const { conversation, names, outbox } = this.#parts
    const read = after(this.#read(text), (statements) =>
      this.#clear(statements.map((statement) => running(statement, bound))),
    )
    return after(read, (cleared) => {
      if (cleared === null) return this.#fail(true)
      if (!this.#mayGo(cleared)) return false
      if (form === 'call' && cleared.some(({ judged }) => limitOf(judged) !== null)) {
        this.#clearing.closeUnsent(cleared, 'not sent: what a function called by message gives cannot be limited')
        this.#answer = unlimited
        return this.#fail(true)
      }
      conversation.sent({
        kind: 'query',
        statements: cleared.map((one) => this.#sendRun(one, bytesOf(one, message), null)),
        stretch: names.stretch,
        form: cleared.some(({ statement }) => isReplicationVerb(statement.facts.verb)) ? 'replication' : form,
      })
      names.endStretch()
      outbox.isDue = true
      return true
    })
  }

  #parse(message: FrontendMessage): Soon<boolean> {
    const { conversation, names } = this.#parts
    const { name, text, types } = parseParts(message)
    if (name === null) return this.#failAs(nameTooLong)
    const read = after(this.#read(text), (statements) =>
      this.#clear(statements.map((statement) => prepared(statement, types))),
    )
    return after(read, (cleared) => {
      if (cleared === null) return this.#fail(false)
      if (!this.#mayGo(cleared)) return false
      const [one] = cleared
      // of several the server takes none
      const statement = cleared.length > 1 ? unseen('', 'unparsed') : (one?.statement ?? null)
      const { undo, done } = names.parsed(name, statement, types)
      const [first, ...rest] = cleared.map((each) => this.#sendParsed(each, message.bytes))
      const sent: Sent = { undo, done, close: first?.close ?? null }
      conversation.sent({ kind: 'parse', statements: [sent, ...rest] })
      this.#unanswered += 1
      return true
    })
  }

  #bind(message: FrontendMessage): Soon<boolean> {
    const { conversation, names, reader } = this.#parts
    const { portal, statement, values } = readBind(message)
    if (portal === null || statement === null) return this.#failAs(nameTooLong)
    return after(this.#clearing.settleName(names.isUnsure('statement', statement)), () => {
      if (conversation.isSkipping) return false
      const textOf = (bytes: Buffer) => reader.value(bytes)
      const { undo, done } = names.bound(portal, statement, (types) => boundParams(values, types, textOf))
      conversation.sent({ kind: 'bind', statements: [{ undo, done, close: null }] })
      this.#unanswered += 1
      return true
    })
  }

  #execute(message: FrontendMessage): Soon<boolean> {
    const { names } = this.#parts
    const name = executeName(message)
    if (name === null) return this.#failAs(nameTooLong)
    return after(this.#clearing.settleName(names.isUnsure('portal', name)), () => {
      const bound = names.portal(name)
      const cleared = bound === null ? [] : this.#clear([running(bound.statement, bound.params, name)])
      return after(cleared, (all) => this.#executeCleared(message, bound, all))
    })
  }

  #executeCleared(
    message: FrontendMessage,
    bound: BoundStatement | null,
    cleared: readonly Cleared[] | null,
  ): Soon<boolean> {
    const { conversation, reader } = this.#parts
    if (cleared === null) return this.#fail(false)
    if (!this.#mayGo(cleared)) return false
    if (bound !== null) reader.ran(bound.statement)
    conversation.sent({
      kind: 'execute',
      statements: cleared.map((one) => this.#sendRun(one, message.bytes, bound)),
    })
    this.#unanswered += 1
    return true
  }

  #describe(message: FrontendMessage): Soon<boolean> {
    const { kind, name } = targetOf(message)
    if (name === null) return this.#failAs(nameTooLong)
    const learner = this.#parts.names.described(kind, name)
    this.#parts.conversation.sent({
      kind: 'describe',
      statements: [],
      ...(learner === null
        ? {}
        : { described: (body: Buffer) => learner.types(parameterTypes(body)), columns: learner.columns }),
    })
    this.#unanswered += 1
    return true
  }

  #close(message: FrontendMessage): Soon<boolean> {
    const { kind, name } = targetOf(message)
    if (name === null) return this.#failAs(nameTooLong)
    const undo = this.#parts.names.closed(kind, name)
    this.#parts.conversation.sent({ kind: 'close', statements: [{ undo, done: null, close: null }] })
    this.#unanswered += 1
    return true
  }

  #functionCall(message: FrontendMessage): Soon<boolean> {
    const call = functionCall(message, (bytes) => this.#parts.reader.value(bytes))
    if (call !== null) return this.#run(message, Buffer.from(call.text), { bound: call.args, form: 'call' })
    const because = 'a function called by message has no SQL text to judge'
    this.#parts.session.refuse('FUNCTION CALL', because, {})
    this.#answer = errorResponse('42501', `clawpatrol denied this call: ${because}`, {
      hint: 'Call the function with SELECT.',
    })
    return this.#fail(true)
  }

  /** Waits until it is known how the server reads text, and takes the text apart. */
  #read(text: Buffer | null): Soon<readonly AnalysedStatement[]> {
    const { reader, conversation } = this.#parts
    if (text === null) return [unseen('', 'truncated')]
    const isKnown = reader.isCareful ? this.#clearing.caughtUp() : undefined
    return after(isKnown, () => (conversation.isOver ? [] : reader.read(text)))
  }

  /** Judges statements sent together; null: one is denied, and `#answer` says so. */
  #clear(statements: readonly Proposed[]): Soon<readonly Cleared[] | null> {
    return after(this.#clearing.clear(statements), (cleared) => {
      if (!Buffer.isBuffer(cleared)) return cleared
      this.#answer = cleared
      return null
    })
  }

  #noteEffects(statement: AnalysedStatement) {
    this.#parts.reader.sent(statement)
    return this.#parts.names.ran(statement)
  }

  /** A statement on its way to run. */
  #sendRun(cleared: Cleared, bytesUp: number, bound: BoundStatement | null): Sent {
    const { undo, done } = this.#noteEffects(cleared.statement)
    const close = this.#redeemed(cleared, bytesUp, bound?.shape ?? null)
    const ended = bound === null ? done : ranIn(bound, done)
    return { undo, done: ended, close, limit: limitOf(cleared.judged), given: bound?.given ?? null }
  }

  /** A statement on its way to be prepared. */
  #sendParsed(cleared: Cleared, bytesUp: number): Sent {
    return { undo: null, done: null, close: this.#redeemed(cleared, bytesUp, null) }
  }

  /** Uses up a statement's leave. What ends it in the record. */
  #redeemed({ judged }: Cleared, bytesUp: number, shape: Shape | null): Sent['close'] {
    if (judged.ruling.kind === 'allow') redeem(judged.ruling.permit, judged.action.id)
    return closing(this.#parts.session, judged, bytesUp, shape)
  }

  /** Whether what was judged can still be sent: in the meantime the session may have failed, or be over. */
  #mayGo(cleared: readonly Cleared[]): boolean {
    const { conversation } = this.#parts
    if (!conversation.isOver && !conversation.isSkipping && !conversation.isCopyingIn) return true
    this.#clearing.closeUnsent(cleared, 'not sent: what was sent before it failed')
    if (!conversation.isOver && !conversation.isSkipping) this.#forbidDuringCopy()
    return false
  }

  #forbidDuringCopy(): void {
    if (!this.#parts.conversation.isCopyingIn) return
    throw new ClawError('CP_PROTOCOL', 'Cannot go on: the server waits for data, and something else was sent')
  }

  /** What the agent is told of what is denied next. */
  #answer: Buffer = nameTooLong

  #failAs(answer: Buffer): Soon<boolean> {
    this.#answer = answer
    return this.#fail(false)
  }

  /** Makes the server fail where something was denied; the agent gets `#answer` in place of its error. */
  #fail(isQuery: boolean): Soon<false> {
    const { conversation, outbox } = this.#parts
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
    if (this.#unanswered === 0) {
      conversation.sent({ kind: 'denied', statements: [], answer })
      outbox.add(this.#failing)
      return this.#syncFailed(true)
    }
    // had an earlier message failed, the server would skip a query, but not the Sync that ends its stand-in
    const settled = new Promise<boolean>((resolve) => {
      conversation.sent({ kind: 'denied', statements: [], answer, settled: resolve })
    })
    outbox.add(this.#failing)
    outbox.flush()
    return settled.then((goesOn) => this.#syncFailed(goesOn))
  }

  #syncFailed(goesOn: boolean): false {
    const { conversation, outbox, names } = this.#parts
    if (!goesOn) return false
    conversation.sent({ kind: 'sync', statements: [], stretch: names.stretch })
    names.endStretch()
    this.#unanswered = 0
    outbox.add(sync)
    outbox.isDue = true
    return false
  }
}

const unlimited = errorResponse('54000', 'clawpatrol cannot limit what a function called by message gives', {
  hint: 'Call the function with SELECT: the rule that allows it limits its result.',
})

const nameTooLong = errorResponse('42622', `clawpatrol takes names of at most ${longestName} bytes`, {
  hint: 'The server would cut the name off.',
})

/** What is noted when the server did what a portal runs. */
function ranIn({ ran }: BoundStatement, done: Sent['done']): () => void {
  if (done === null) return ran
  return () => {
    done()
    ran()
  }
}

/** Bytes of one statement of a message: of the only one, all of it. */
function bytesOf({ statement }: Cleared, { bytes }: FrontendMessage): number {
  const { statement_count: count, statement: text } = statement.facts
  return count > 1 && text.length <= longestStatement ? Buffer.byteLength(text) : bytes
}
