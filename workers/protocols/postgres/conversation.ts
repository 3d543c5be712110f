import { ClawError } from '../../contract/errors.ts'
import { backend, columnNames, commandTag, endsRows, errorParts } from './backend.ts'
import type { Owed } from './owed.ts'
import { abandon, closeCut, closeRest, OwedQueue, type Pending, takeGiven, tallyOf } from './owed-queue.ts'
import { readyForQuery, type TransactionStatus } from './respond.ts'
import { Tally } from './tally.ts'

/** What is to be done with what a server sent. */
export interface ConversationEvents {
  answer(bytes: Buffer): void
  /** A Sync or Query is answered. */
  ready(status: TransactionStatus, stretch: number): void
  /** Have the server fail, and where `isQuery` be ready again: what is owed for that is noted already. */
  provoke(isQuery: boolean): void
  /** The session cannot go on: what it ran cannot be told apart any more. */
  fatal(because: string, told: Buffer): void
}

const notRun = 'not run: what was sent before it failed'

/**
 * Who owes what: the messages sent to the server that it has not answered, in order, and the state of the session that
 * its answers tell. Messages of the agent that the server would skip until a Sync are `isSkipping`.
 */
export class Conversation {
  readonly #events: ConversationEvents
  readonly #owed = new OwedQueue()
  #readyDue = 0
  #waiting: (() => void)[] = []
  #isOver = false
  /** How far the server's bytes belong to what is answered. */
  #mark = 0
  #copied = 0
  /** Syncs the server read while it took data: it may have answered one if it failed before. */
  #ignoredSyncs = 0
  status: TransactionStatus
  /** Something failed, on the server or here: everything up to the next Sync is dropped. */
  isSkipping = false
  /** The server waits for data of the agent. */
  isCopyingIn = false
  /** The server said that it ends the session. */
  wasEnded = false
  /** The server is being asked to end a statement that gave too much. */
  isStopping = false

  constructor(status: TransactionStatus, events: ConversationEvents) {
    this.status = status
    this.#events = events
  }

  /** Messages not answered. */
  get length(): number {
    return this.#owed.length
  }

  /** Whether the server has answered every Sync and Query. */
  get isCaughtUp(): boolean {
    return this.#readyDue === 0
  }

  /** Whether nothing comes from the server any more. */
  get isOver(): boolean {
    return this.#isOver
  }

  /** What runs, where it gave too much and the server has not ended it. */
  get cut(): Tally | null {
    const tally = this.#owed.first?.tally ?? null
    return tally === null || tally.over === null ? null : tally
  }

  /** What the agent is told when the session ends for that. */
  get cutWords(): Buffer | null {
    const head = this.#owed.first
    const over = this.cut?.over ?? null
    return over === null ? null : (head?.statements[head.next ?? 0]?.limit?.told(over, 'fatal') ?? null)
  }

  /**
   * Whether nothing may be sent now: what runs may have to be stopped, which must not hit anything else. A statement with
   * limits is therefore always the last that was sent.
   */
  get isHolding(): boolean {
    if (this.#isOver || this.isCopyingIn) return false
    if (this.isStopping) return true
    return this.#owed.last?.statements.some(({ limit = null }) => limit !== null) === true
  }

  /** Resolves when it has answered them, or waits for data before it does, or the session is over. */
  async caughtUp(): Promise<void> {
    while (this.#readyDue > 0 && !this.isCopyingIn) await this.progress()
  }

  /** Resolves when the server has answered something, or the session is over. */
  progress(): Promise<void> {
    if (this.#isOver) return Promise.resolve()
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  /** Notes a message that is being sent. */
  sent(owed: Owed): void {
    if (owed.kind === 'sync') {
      this.isSkipping = false
      if (this.isCopyingIn) {
        this.#ignoredSyncs += 1
        return
      }
    }
    if (owed.kind === 'copyEnd') {
      this.isCopyingIn = false
      if (this.length === 0) return
    }
    if (owed.kind === 'sync' || owed.kind === 'query') this.#readyDue += 1
    this.#owed.push(owed)
  }

  /** Rows, or data of a COPY, begin to come. What they are counted with. */
  rows(): Tally {
    const head = this.#owed.first
    if (head?.kind !== 'execute' && head?.kind !== 'query') return new Tally()
    return tallyOf(head)
  }

  /** The server ended the connection on which it was asked to end a statement: it ended it, or will not any more. */
  stopped(): void {
    this.isStopping = false
    this.#wake()
  }

  /** A message of the server begins. Whether it is kept from the agent. */
  began(type: number, total: number): boolean {
    const head = this.#owed.first
    if (this.cut !== null && endsRows.has(type)) {
      if (type === backend.portalSuspended || type === backend.emptyQuery) this.#ranOut(total)
      return true
    }
    switch (type) {
      case backend.parseComplete:
        return this.#finished('parse', 'PARSE', total)
      case backend.bindComplete:
        return this.#finished('bind', '', total)
      case backend.closeComplete:
        return this.#finished('close', '', total)
      case backend.noData:
        if (head?.kind === 'describe') this.#finished('describe', '', total)
        return false
      case backend.ready:
        return head?.spent !== undefined
      case backend.emptyQuery:
        this.#completed('', total)
        return false
      case backend.portalSuspended:
        return this.#finished('execute', 'SUSPENDED', total)
      case backend.copyIn:
        if (head?.kind !== 'execute' && head?.kind !== 'query') throw outOfStep('asked for data')
        this.#beginCopyIn()
        return false
      case backend.functionResponse:
        if (head?.form !== 'call') throw outOfStep('answered a call')
        head.tag = 'SELECT 1'
        return false
      case backend.copyBoth:
        if (head?.form !== 'replication') throw outOfStep('streamed')
        this.#beginCopyIn()
        return false
      case backend.error:
        return head?.kind === 'denied'
      default:
        return false
    }
  }

  /** A message of the server that says more than its type has ended. */
  ended(type: number, body: Buffer, total: number): void {
    if (type === backend.commandComplete) this.#completed(commandTag(body), total)
    else if (type === backend.error) this.#failed(body, total)
    else if (type === backend.ready) this.#ready(body, total)
    else if (type === backend.rowDescription) this.#columns(columnNames(body), total)
    else if (type === backend.copyOut) this.rows().isBinary = body[0] === 1
    else if (type === backend.parameterDescription) this.#owed.first?.described?.(body)
  }

  #columns(names: readonly string[] | null, total: number): void {
    const head = this.#owed.first
    if (head?.kind === 'query') head.names = names
    if (head?.kind !== 'describe') return
    if (names !== null) head.columns?.(names)
    this.#finished('describe', '', total)
  }

  /** The session is over: closes what is open. */
  end(because: string): void {
    for (;;) {
      const head = this.#owed.first
      if (head === null) break
      this.#owed.shift()
      abandon(head, { status: 'error', error: because, copiedIn: 0, bytesDown: 0 })
    }
    this.#readyDue = 0
    this.#isOver = true
    this.#wake()
  }

  /** Data of a COPY was sent. */
  copiedIn(bytes: number): void {
    this.#copied += bytes
  }

  #takeCopied(): number {
    const bytes = this.#copied
    this.#copied = 0
    return bytes
  }

  #since(total: number): number {
    const bytes = total - this.#mark
    this.#mark = total
    return bytes
  }

  #finished(kind: Owed['kind'], status: string, total: number): false {
    const head = this.#owed.first
    if (head?.kind !== kind) throw outOfStep(`answered a ${kind}`)
    const bytesDown = this.#since(total)
    const [statement] = head.statements
    statement?.done?.()
    const copiedIn = kind === 'execute' ? this.#takeCopied() : 0
    statement?.close?.({ status, error: null, copiedIn, bytesDown, ...takeGiven(head, statement) })
    this.#owed.shift()
    this.#wake()
    return false
  }

  /** The statement that gave too much has ended by itself, before it could be stopped. */
  #ranOut(total: number): void {
    const head = this.#owed.first
    const at = head?.next ?? 0
    const statement = head?.statements[at]
    const over = this.cut?.over ?? null
    if (head === null || statement?.limit == null || over === null) throw outOfStep('ended a statement')
    const { told } = statement.limit
    this.#since(total)
    closeCut(head, statement)
    head.next = at + 1
    if (head.kind === 'execute') {
      this.#owed.shift()
      this.#owed.push({ kind: 'denied', statements: [], answer: told(over, 'stopped') })
      this.isSkipping = true
      this.#events.provoke(false)
      this.#wake()
    } else if (head.next < head.statements.length || head.form === 'replication') {
      this.#events.fatal('a statement gave more than a rule allows, and others followed', told(over, 'fatal'))
    } else head.spent = { done: told(over, 'done'), stopped: told(over, 'stopped') }
  }

  /** One statement of a Query has ended, or an Execute has. */
  #completed(status: string, total: number): void {
    this.isCopyingIn = false
    this.#ignoredSyncs = 0
    if (this.cut !== null) {
      this.#ranOut(total)
      return
    }
    const head = this.#owed.first
    if (head?.kind === 'execute') {
      this.#finished('execute', status, total)
      return
    }
    if (head?.kind !== 'query') throw outOfStep('completed a statement')
    if (head.form === 'replication') {
      head.tag = status
      return
    }
    const bytesDown = this.#since(total)
    const next = head.next ?? 0
    const statement = head.statements[next]
    statement?.done?.()
    const gave = takeGiven(head, statement)
    statement?.close?.({ status, error: null, copiedIn: this.#takeCopied(), bytesDown, ...gave })
    head.next = next + 1
  }

  #failed(body: Buffer, total: number): void {
    const { code, isFatal } = errorParts(body)
    const bytesDown = this.#since(total)
    if (isFatal) this.wasEnded = true
    this.isCopyingIn = false
    const head = this.#owed.first
    if (head === null) return
    if (head.kind === 'denied') {
      if (head.answer !== undefined) this.#events.answer(head.answer)
      if (isFatal) this.#events.answer(framed(body))
      this.#owed.shift()
      head.settled?.(true)
      this.#skipToSync()
      return
    }
    if (head.kind === 'sync') return
    const next = head.next ?? 0
    const failing = head.statements[next]
    const over = this.cut?.over ?? null
    if (over !== null && failing?.limit != null) {
      this.#events.answer(failing.limit.told(over, 'stopped'))
      if (isFatal) this.#events.answer(framed(body))
      closeCut(head, failing)
    } else {
      failing?.undo?.()
      const gave = takeGiven(head, failing)
      failing?.close?.({ status: code, error: null, copiedIn: this.#takeCopied(), bytesDown, ...gave })
    }
    head.next = next + 1
    if (head.kind === 'query') {
      closeRest(head, { status: 'error', error: notRun, copiedIn: 0, bytesDown: 0 })
      return
    }
    this.#owed.shift()
    this.#skipToSync()
  }

  /** What was sent up to the next Sync is skipped by the server; without one, what is still to come is. */
  #skipToSync(): void {
    const skipped: Owed[] = []
    for (;;) {
      const head = this.#owed.first
      if (head === null || head.kind === 'sync') break
      skipped.push(head)
      if (head.kind === 'query') this.#readyDue -= 1
      this.#owed.shift()
    }
    if (this.length === 0) this.isSkipping = true
    // the last first: what each takes back is what was before it
    for (const owed of skipped.reverse()) abandon(owed, { status: 'error', error: notRun, copiedIn: 0, bytesDown: 0 })
    this.#wake()
  }

  #ready(body: Buffer, total: number): void {
    const status = String.fromCharCode(body[0] ?? 0)
    if (status !== 'I' && status !== 'T' && status !== 'E') throw outOfStep('named an unknown transaction status')
    const head = this.#owed.first
    this.isCopyingIn = false
    if (head?.kind !== 'sync' && head?.kind !== 'query') {
      if (this.#ignoredSyncs === 0) throw outOfStep('was ready')
      this.#ignoredSyncs -= 1
      this.status = status
      return
    }
    if (head.spent !== undefined && status === 'T') {
      this.#failAfter(head, head.spent.stopped)
      return
    }
    const copiedIn = head.form === 'replication' ? this.#takeCopied() : 0
    const last = { status: head.tag ?? '', error: null, copiedIn, bytesDown: this.#since(total) }
    closeRest(head, last)
    if (head.spent !== undefined) {
      this.#events.answer(head.spent.done)
      this.#events.answer(readyForQuery(status))
    }
    this.#owed.shift()
    this.#readyDue -= 1
    this.status = status
    this.#events.ready(status, head.stretch ?? 0)
    this.#wake()
  }

  /** What a query did in a transaction must fail for the server as it does for the agent. */
  #failAfter({ stretch = 0 }: Pending, answer: Buffer): void {
    this.#owed.shift()
    this.#owed.push({ kind: 'denied', statements: [], answer }, { kind: 'sync', statements: [], stretch })
    this.#events.provoke(true)
  }

  /** The server reads no Sync until the data ends. */
  #beginCopyIn(): void {
    const { dropped, hasEnd } = this.#owed.dropIgnoredSyncs()
    this.isCopyingIn = !hasEnd
    this.#ignoredSyncs += dropped
    this.#readyDue -= dropped
    this.#wake()
  }

  #wake(): void {
    const waiting = this.#waiting
    if (waiting.length === 0) return
    this.#waiting = []
    for (const each of waiting) each()
  }
}

/** An ErrorResponse again as it came. */
function framed(body: Buffer): Buffer {
  const head = Buffer.from([backend.error, 0, 0, 0, 0])
  head.writeInt32BE(body.length + 4, 1)
  return Buffer.concat([head, body])
}

function outOfStep(what: string): ClawError {
  return new ClawError('CP_PROTOCOL', `the server ${what} unasked`)
}
