import { ClawError } from '../../contract/errors.ts'
import { backend, commandTag, errorParts } from './backend.ts'
import type { Undo } from './prepared.ts'
import type { TransactionStatus } from './respond.ts'

/** How a statement ended. */
export interface Outcome {
  /** Command tag or SQLSTATE. */
  readonly status: string
  /** Why it did not run; null: the server says how it went. */
  readonly error: string | null
  /** Of COPY: bytes of its data. */
  readonly copiedIn: number
  readonly bytesDown: number
}

/** One statement that was sent. */
export interface Sent {
  /** Takes back what it was thought to do to names. */
  readonly undo: Undo | null
  /** Called when the server did it. */
  readonly done: (() => void) | null
  readonly close: ((outcome: Outcome) => void) | null
}

/** A message that was sent, and what the server owes for it. */
export interface Owed {
  readonly kind: 'query' | 'parse' | 'bind' | 'describe' | 'close' | 'execute' | 'sync' | 'copyEnd' | 'denied'
  /** One for each statement of a query, one at most for anything else. */
  readonly statements: readonly Sent[]
  /** Of a query: it is a replication command, which ends when the server is ready, whatever it completes before. */
  readonly isReplication?: boolean
  /** Of a describe: what to call with the ParameterDescription. */
  readonly described?: (body: Buffer) => void
  /** Of a query or sync: the stretch that ends with it. */
  readonly stretch?: number
  /** What the agent gets in place of the error a denied message provokes, and who is told whether it came to that. */
  readonly answer?: Buffer
  readonly settled?: (wasAnswered: boolean) => void
}

/** With what was answered of it: statements, and the last tag. */
type Pending = Owed & { next?: number; tag?: string }

/** What is to be done with what a server sent. */
export interface ConversationEvents {
  answer(bytes: Buffer): void
  /** A Sync or Query is answered. */
  ready(status: TransactionStatus, stretch: number): void
}

const notRun = 'not run: what was sent before it failed'

/**
 * Who owes what: the messages sent to the server that it has not answered, in order, and the state of the session that
 * its answers tell. Messages of the agent that the server would skip until a Sync are `isSkipping`.
 */
export class Conversation {
  readonly #events: ConversationEvents
  #owed: Pending[] = []
  #head = 0
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

  constructor(status: TransactionStatus, events: ConversationEvents) {
    this.status = status
    this.#events = events
  }

  /** Messages not answered. */
  get length(): number {
    return this.#owed.length - this.#head
  }

  /** Whether the server has answered every Sync and Query. */
  get isCaughtUp(): boolean {
    return this.#readyDue === 0
  }

  /** Whether nothing comes from the server any more. */
  get isOver(): boolean {
    return this.#isOver
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

  /** A message of the server begins. Whether it is kept from the agent. */
  began(type: number, total: number): boolean {
    const head = this.#first()
    switch (type) {
      case backend.parseComplete:
        return this.#finished('parse', 'PARSE', total)
      case backend.bindComplete:
        return this.#finished('bind', '', total)
      case backend.closeComplete:
        return this.#finished('close', '', total)
      case backend.rowDescription:
      case backend.noData:
        if (head?.kind === 'describe') this.#finished('describe', '', total)
        return false
      case backend.emptyQuery:
        this.#completed('', total)
        return false
      case backend.portalSuspended:
        return this.#finished('execute', 'SUSPENDED', total)
      case backend.copyIn:
        if (head?.kind !== 'execute' && head?.kind !== 'query') throw outOfStep('asked for data')
        this.#beginCopyIn()
        return false
      case backend.copyBoth:
        if (head?.isReplication !== true) throw outOfStep('streamed')
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
    else if (type === backend.parameterDescription) this.#first()?.described?.(body)
  }

  /** The session is over: closes what is open. */
  end(because: string): void {
    for (;;) {
      const head = this.#first()
      if (head === null) break
      this.#drop(head, { status: 'error', error: because, copiedIn: 0, bytesDown: 0 })
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

  #first() {
    while (this.#owed[this.#head]?.kind === 'copyEnd') this.#shift()
    return this.#owed[this.#head] ?? null
  }

  #shift(): void {
    this.#head += 1
    // moving the rest for each would cost more than keeping what is done for a while
    if (this.#head < 256 && this.#head < this.#owed.length) return
    this.#owed.splice(0, this.#head)
    this.#head = 0
  }

  #finished(kind: Owed['kind'], status: string, total: number): false {
    const head = this.#first()
    if (head?.kind !== kind) throw outOfStep(`answered a ${kind}`)
    const bytesDown = this.#since(total)
    const [statement] = head.statements
    statement?.done?.()
    const copiedIn = kind === 'execute' ? this.#takeCopied() : 0
    statement?.close?.({ status, error: null, copiedIn, bytesDown })
    this.#shift()
    this.#wake()
    return false
  }

  /** One statement of a Query has ended, or an Execute has. */
  #completed(status: string, total: number): void {
    this.isCopyingIn = false
    this.#ignoredSyncs = 0
    const head = this.#first()
    if (head?.kind === 'execute') {
      this.#finished('execute', status, total)
      return
    }
    if (head?.kind !== 'query') throw outOfStep('completed a statement')
    if (head.isReplication === true) {
      head.tag = status
      return
    }
    const bytesDown = this.#since(total)
    const next = head.next ?? 0
    const statement = head.statements[next]
    statement?.done?.()
    statement?.close?.({ status, error: null, copiedIn: this.#takeCopied(), bytesDown })
    head.next = next + 1
  }

  #failed(body: Buffer, total: number): void {
    const { code, isFatal } = errorParts(body)
    const bytesDown = this.#since(total)
    if (isFatal) this.wasEnded = true
    this.isCopyingIn = false
    const head = this.#first()
    if (head === null) return
    if (head.kind === 'denied') {
      if (head.answer !== undefined) this.#events.answer(head.answer)
      if (isFatal) this.#events.answer(framed(body))
      this.#shift()
      head.settled?.(true)
      this.#skipToSync()
      return
    }
    if (head.kind === 'sync') return
    const next = head.next ?? 0
    const failing = head.statements[next]
    failing?.undo?.()
    failing?.close?.({ status: code, error: null, copiedIn: this.#takeCopied(), bytesDown })
    head.next = next + 1
    if (head.kind === 'query') {
      this.#closeRest(head, { status: 'error', error: notRun, copiedIn: 0, bytesDown: 0 })
      return
    }
    this.#shift()
    this.#skipToSync()
  }

  /** What was sent up to the next Sync is skipped by the server; without one, what is still to come is. */
  #skipToSync(): void {
    const skipped: Owed[] = []
    for (;;) {
      const head = this.#first()
      if (head === null || head.kind === 'sync') break
      skipped.push(head)
      if (head.kind === 'query') this.#readyDue -= 1
      this.#shift()
    }
    if (this.length === 0) this.isSkipping = true
    // the last first: what each takes back is what was before it
    for (const owed of skipped.reverse())
      this.#abandon(owed, { status: 'error', error: notRun, copiedIn: 0, bytesDown: 0 })
    this.#wake()
  }

  #ready(body: Buffer, total: number): void {
    const status = String.fromCharCode(body[0] ?? 0)
    if (status !== 'I' && status !== 'T' && status !== 'E') throw outOfStep('named an unknown transaction status')
    const head = this.#first()
    this.isCopyingIn = false
    if (head?.kind !== 'sync' && head?.kind !== 'query') {
      if (this.#ignoredSyncs === 0) throw outOfStep('was ready')
      this.#ignoredSyncs -= 1
      this.status = status
      return
    }
    const copiedIn = head.isReplication === true ? this.#takeCopied() : 0
    const last = { status: head.tag ?? '', error: null, copiedIn, bytesDown: this.#since(total) }
    this.#closeRest(head, last)
    this.#shift()
    this.#readyDue -= 1
    this.status = status
    this.#events.ready(status, head.stretch ?? 0)
    this.#wake()
  }

  /** The server reads no Sync until the data ends. */
  #beginCopyIn(): void {
    const end = this.#owed.findIndex(({ kind }, index) => index >= this.#head && kind === 'copyEnd')
    this.isCopyingIn = end === -1
    const until = end === -1 ? this.#owed.length : end
    const isIgnored = (index: number) => index > this.#head && index < until && this.#owed[index]?.kind === 'sync'
    const ignored = this.#owed.filter((_, index) => isIgnored(index)).length
    this.#owed = this.#owed.filter((_, index) => !isIgnored(index))
    this.#ignoredSyncs += ignored
    this.#readyDue -= ignored
    this.#wake()
  }

  #drop(owed: Pending, outcome: Outcome): void {
    this.#shift()
    this.#abandon(owed, outcome)
  }

  #abandon(owed: Pending, outcome: Outcome): void {
    this.#closeRest(owed, outcome)
    owed.settled?.(false)
  }

  #closeRest(owed: Pending, outcome: Outcome): void {
    const rest = owed.statements.slice(owed.next ?? 0)
    owed.next = owed.statements.length
    for (const statement of rest.reverse()) {
      statement.undo?.()
      statement.close?.(outcome)
    }
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
