import type { Duplex } from 'node:stream'
import { serialize } from 'pg-protocol'
import { ClawError } from '../../contract/errors.ts'
import type { Session } from '../../contract/plugin.ts'
import { Standing } from '../../upstream/standing.ts'
import type { Soon } from '../../wire/after.ts'
import { closeGently } from '../../wire/linger.ts'
import type { StatementCache } from '../../wire/sql/statement-cache.ts'
import { BackendScanner, backend, parameterOf } from './backend.ts'
import { stopStatement } from './cancel.ts'
import { Conversation } from './conversation.ts'
import type { PostgresSettings } from './definition.ts'
import { FrontendDecoder, frontend } from './frontend.ts'
import { Lexing } from './lexing.ts'
import { AgentMessages } from './messages.ts'
import { Outbox } from './outbox.ts'
import { fatal, type TransactionStatus } from './respond.ts'
import { SessionNames } from './session-names.ts'
import type { SessionFacts } from './sql-facts.ts'
import { StatementReader } from './statement-reader.ts'
import { Stopper } from './stopper.ts'

/** A session both of whose sides are logged in. */
export interface PumpParts {
  readonly session: Session<PostgresSettings>
  readonly agent: Duplex
  readonly upstream: Duplex
  /** What the server said of itself so far. */
  readonly parameters: ReadonlyMap<string, string>
  readonly transaction: TransactionStatus
  /** For the server to end what runs when the session is over. */
  readonly cancelKey: Buffer | null
  readonly facts: SessionFacts
  readonly cache: StatementCache
}

/** Bytes of an agent that wait behind a statement being judged. */
const mostWaiting = 256 * 1024
/** Messages the server has not answered, beyond which the agent is not read. */
const mostUnanswered = 4096
/** How long one session's statements may hold up the others of its thread, ms. */
const mostAtOnceMs = 4
/** An agent that has closed its side gets what is on its way for so long, ms. */
const halfClosedMs = 10_000

const flush = serialize.flush()

/** Carries a session to its end. Owns both sockets; resolves when both are closed. */
export function pump(parts: PumpParts): Promise<void> {
  return new Pump(parts).ended
}

class Pump {
  readonly ended: Promise<void>
  readonly #parts: PumpParts
  readonly #decoder = new FrontendDecoder()
  readonly #scanner: BackendScanner
  readonly #conversation: Conversation
  readonly #messages: AgentMessages
  readonly #outbox: Outbox
  readonly #lexing: Lexing
  #isRunning = false
  /** When the other sessions of the thread are to have their turn, on the clock of `performance.now()`. */
  #turnEndsAt = 0
  /** Whether the rest of the message at hand goes to the server. */
  #goesOn = false
  #isOver = false
  #hasPassed = false
  #isAgentDone = false
  /** What the agent is told at the end, whatever it got of the chunk at hand. */
  #lastWords: Buffer | null = null
  readonly #stopper: Stopper
  /** Settles when the server was told to end what ran. */
  #stopped: Promise<void> | null = null

  constructor(parts: PumpParts) {
    const { session, agent, upstream, parameters, transaction, cancelKey, facts, cache } = parts
    this.#parts = parts
    this.#lexing = new Lexing(parameters)
    this.#outbox = new Outbox(upstream)
    const reader = new StatementReader(cache, this.#lexing)
    const names = new SessionNames(reader)
    this.#conversation = new Conversation(transaction, {
      answer: (bytes) => this.#toAgent(bytes),
      ready: (status, stretch) => {
        if (status === 'I') names.transactionEnded(stretch)
      },
      provoke: (isQuery) => this.#messages.provoke(isQuery),
      fatal: (because, told) => {
        this.#lastWords = told
        throw new ClawError('CP_LIMIT', because)
      },
    })
    const conversation = this.#conversation
    const standing = new Standing(session, facts.credential, ({ host }) => host)
    this.#messages = new AgentMessages({ session, facts, standing, reader, names, conversation, outbox: this.#outbox })
    this.#stopper = new Stopper({ session, upstream, cancelKey, conversation }, () => {
      this.#lastWords = conversation.cutWords
      this.#fail(new ClawError('CP_LIMIT', 'a statement gave more than a rule allows, and did not end'), 'server')
    })
    this.#scanner = new BackendScanner({
      began: (type) => conversation.began(type, this.#scanner.position),
      ended: (type, body) => this.#told(type, body),
      rows: () => conversation.rows(),
      pass: (bytes) => this.#toAgent(bytes),
    })
    this.ended = this.#join(agent, upstream, session.signal)
  }

  async #join(agent: Duplex, upstream: Duplex, signal: AbortSignal): Promise<void> {
    const closed = (socket: Duplex) =>
      socket.closed ? Promise.resolve() : new Promise<void>((resolve) => socket.once('close', () => resolve()))
    const cancel = () => {
      this.#stopRunning()
      this.#end('the flow was cancelled', ['57P01', 'clawpatrol ends the session'])
    }
    agent.on('error', () => undefined)
    upstream.on('error', () => undefined)
    agent.on('data', (chunk: Buffer) => this.#fromAgent(chunk))
    agent.on('end', () => {
      this.#isAgentDone = true
      if (!this.#isRunning) this.#agentEnded()
    })
    agent.on('close', () => this.#end('the agent closed the connection', null))
    agent.on('drain', () => upstream.resume())
    upstream.on('data', (chunk: Buffer) => this.#fromServer(chunk))
    upstream.on('end', () =>
      this.#end('the server closed the connection', ['08006', 'the server closed the connection']),
    )
    upstream.on('close', () =>
      this.#end('the connection to the server broke', ['08006', 'the connection to the server broke']),
    )
    signal.addEventListener('abort', cancel, { once: true })
    if (signal.aborted) cancel()
    try {
      await Promise.all([closed(agent), closed(upstream)])
      await Promise.all([this.#stopped, this.#stopper.settled])
    } finally {
      signal.removeEventListener('abort', cancel)
    }
  }

  #fromAgent(chunk: Buffer): void {
    if (this.#isOver) return
    this.#decoder.push(chunk)
    if (!this.#isRunning) this.#newTurn()
    else if (this.#decoder.buffered > mostWaiting) this.#parts.agent.pause()
  }

  #newTurn(): void {
    this.#turnEndsAt = performance.now() + mostAtOnceMs
    this.#run()
  }

  /** Lets the other sessions of the thread have their turn. */
  #nextTurn(): Promise<true> {
    return new Promise((resolve) =>
      setImmediate(() => {
        this.#turnEndsAt = performance.now() + mostAtOnceMs
        resolve(true)
      }),
    )
  }

  #run(): void {
    this.#isRunning = true
    try {
      let hasMore: Soon<boolean> = true
      while (hasMore === true && !this.#isOver) {
        hasMore = this.#step()
        if (hasMore !== true || performance.now() < this.#turnEndsAt) continue
        this.#outbox.flush()
        hasMore = this.#nextTurn()
      }
      if (hasMore instanceof Promise) {
        void this.#runAfter(hasMore)
        return
      }
      this.#outbox.flush()
    } catch (error) {
      this.#fail(error, 'agent')
    }
    this.#ranDry()
  }

  async #runAfter(step: Promise<boolean>): Promise<void> {
    try {
      if (await step) {
        this.#run()
        return
      }
      this.#outbox.flush()
    } catch (error) {
      this.#fail(error, 'agent')
    }
    this.#ranDry()
  }

  #ranDry(): void {
    this.#isRunning = false
    if (this.#isAgentDone) this.#agentEnded()
    else this.#parts.agent.resume()
  }

  /** One message, or a piece of one. Whether there may be more. */
  #step(): Soon<boolean> {
    const decoder = this.#decoder
    if (decoder.remaining > 0) {
      const piece = decoder.rest()
      if (piece === null) return false
      if (this.#goesOn) this.#outbox.add(piece)
      return this.#room()
    }
    const message = decoder.next()
    if (message === null) return false
    const handled = this.#messages.handle(message)
    if (typeof handled !== 'boolean') {
      // what waits for an answer must not wait for a verdict
      if (this.#outbox.isDue) this.#outbox.flush()
      return handled.then((goesOn) => this.#handled(goesOn, message.type, message.held))
    }
    return this.#handled(handled, message.type, message.held)
  }

  #handled(goesOn: boolean, type: number, held: Buffer): Soon<boolean> {
    this.#goesOn = goesOn
    if (goesOn) this.#outbox.add(held)
    if (type !== frontend.terminate) return this.#room()
    this.#outbox.flush()
    this.#agentEnded()
    return false
  }

  /** Waits while the server takes no more, or owes too many answers. */
  #room(): Soon<true> {
    const { upstream } = this.#parts
    if (!upstream.writableNeedDrain && this.#conversation.length < mostUnanswered) return true
    return this.#waitForRoom()
  }

  async #waitForRoom(): Promise<true> {
    const { upstream } = this.#parts
    if (this.#conversation.length >= mostUnanswered) {
      this.#outbox.add(flush)
      this.#outbox.flush()
      while (this.#conversation.length >= mostUnanswered / 2 && !this.#isOver) await this.#conversation.progress()
    }
    if (upstream.writableNeedDrain && !this.#isOver)
      await new Promise<void>((resolve) => {
        const go = () => {
          upstream.off('drain', go)
          upstream.off('close', go)
          resolve()
        }
        upstream.on('drain', go)
        upstream.on('close', go)
      })
    return true
  }

  #fromServer(chunk: Buffer): void {
    if (this.#isOver) return
    const isBetween = this.#scanner.isBetween
    this.#hasPassed = false
    try {
      this.#scanner.scan(chunk)
    } catch (error) {
      this.#fail(error, isBetween && !this.#hasPassed ? 'server' : 'torn')
    }
    if (!this.#isOver) this.#stopper.check()
  }

  #told(type: number, body: Buffer): void {
    if (type === backend.parameterStatus) this.#lexing.set(...parameterOf(body))
    else this.#conversation.ended(type, body, this.#scanner.position)
  }

  #toAgent(bytes: Buffer): void {
    const { agent, upstream } = this.#parts
    this.#hasPassed = true
    if (!agent.write(bytes)) upstream.pause()
  }

  /** Nothing more comes from the agent: it still gets what is on its way. */
  #agentEnded(): void {
    const { upstream } = this.#parts
    if (this.#isOver) return
    this.#isAgentDone = true
    this.#outbox.flush()
    upstream.end()
    const timer = setTimeout(() => this.#end('the agent closed the connection', null), halfClosedMs)
    upstream.once('close', () => clearTimeout(timer))
  }

  /** The session ends here; without a word the server would go on with what it runs. */
  #stopRunning(): void {
    const { session, cancelKey } = this.#parts
    if (!this.#isOver && this.#conversation.length > 0) this.#stopped = stopStatement(session, cancelKey)
  }

  #fail(error: unknown, where: 'agent' | 'server' | 'torn'): void {
    const { session } = this.#parts
    const fault = error instanceof ClawError ? error : new ClawError('CP_INTERNAL', 'the session failed')
    const isOver = fault.code === 'CP_FORBIDDEN'
    const title = isOver ? 'a statement of a session that has to end' : 'a message that cannot be read'
    if (where === 'agent' && !this.#isOver) session.refuse(title, fault.message, {})
    const code = isOver ? '57P01' : '08P01'
    if (where === 'agent' || this.#lastWords !== null) this.#stopRunning()
    this.#end(fault.message, where === 'torn' ? null : [code, fault.message])
  }

  /** @param told what the agent is told, where it can be: code and message */
  #end(because: string, told: readonly [string, string] | null): void {
    if (this.#isOver) return
    this.#isOver = true
    const { agent, upstream } = this.#parts
    // a server that ends a session says so itself
    const isTold = !this.#conversation.wasEnded && !this.#isAgentDone && this.#scanner.isBetween && agent.writable
    const words = this.#lastWords ?? (told === null ? null : fatal(...told))
    if (words !== null && isTold) agent.write(words)
    this.#conversation.end(because)
    this.#stopper.end()
    upstream.destroy()
    closeGently(agent)
  }
}
