import { ClawError } from '../../../contract/errors.ts'
import type { ClientPacket } from '../../../wire/clickhouse/client-packets.ts'
import { cancelPacket } from '../../../wire/clickhouse/encode.ts'
import type { ServerPacket } from '../../../wire/clickhouse/server-packets.ts'
import { type JudgingParts, judgeQuery, judgeTablesStatus, type Verdict } from './judge-query.ts'
import { databaseAnswered, databaseQuestion } from './learn-database.ts'
import { codes, refusal } from './respond.ts'
import { closeAction, Running } from './running.ts'

/** What a conversation is about, and its ways out. */
export interface ConversationParts {
  readonly judging: Omit<JudgingParts, 'isWanted'>
  /** What both sides write by. */
  readonly revision: number
  /** @throws ClawError when the session may not go on */
  readonly check: () => void
  readonly toAgent: (bytes: Buffer) => void
  /** Resolves when the server takes more. */
  readonly toServer: (bytes: Buffer) => Promise<void>
  /** A query is being sent: from now on the server answers in this form. */
  readonly expect: (isFramed: boolean, isCompressed: boolean) => void
  /** The session cannot go on. */
  readonly fail: (error: unknown) => void
}

/** Where blocks of an agent go: to the server with the query before them, nowhere, or they wait for its verdict. */
type Fate = 'none' | 'send' | 'drop' | 'wait'

/** Something the server was asked that is no statement. */
interface Asked {
  readonly kind: 'pong' | 'tablesStatus'
  readonly close: ((error: string | null) => void) | null
}

/** Most bytes kept of what follows a query while it is judged. */
const mostKept = 256 * 1024
/** Pieces of the answer to the gateway's own question that are kept. */
const mostLearned = 16
/** How long a server may take to say which database a session has, ms. */
const learnMs = 20_000
/** How long a server may take to end a statement whose result broke a limit, ms. */
const cancelMs = 30_000

/**
 * Who may say what: one question of the agent at a time is judged, sent and answered; the next waits. Blocks share the
 * fate of the query before them.
 */
export class Conversation {
  readonly #parts: ConversationParts
  #fate: Fate = 'none'
  #kept: Buffer[] = []
  #keptBytes = 0
  /** Of the query that is judged. */
  #judging: object | null = null
  /** Whether the agent wants blocks compressed, as they come from the server. */
  #isSameForm = false
  #running: Running | null = null
  #asked: Asked | null = null
  #waiting: (() => void)[] = []
  /** What the server answers to the gateway's own question: bytes of the block at hand; null: nothing was asked. */
  #learning: Buffer[] | null = null
  #hasLearned = false
  #isOver = false
  #timer: NodeJS.Timeout | null = null
  /** Why it cannot be told any more where the server's answer ends. */
  #unfollowed: string | null = null
  /** Whether the agent has got nothing but whole packets. */
  isBetween = true

  constructor(parts: ConversationParts) {
    this.#parts = parts
  }

  /** Whether the agent waits for something. */
  get isOwed(): boolean {
    return this.#running !== null || this.#asked !== null || this.#judging !== null
  }

  /**
   * Handles one packet of the agent, or its beginning.
   * @throws ClawError when the session cannot go on
   */
  async handle(packet: ClientPacket): Promise<void> {
    switch (packet.kind) {
      case 'hello':
        throw new ClawError('CP_PROTOCOL', 'the agent said Hello twice')
      case 'addendum':
        return await this.#parts.toServer(packet.held)
      case 'query':
        return await this.#query(packet)
      case 'data':
      case 'scalar':
        if (this.#fate === 'none') throw new ClawError('CP_PROTOCOL', 'data came before any statement')
        if (packet.kind === 'data' && packet.table === '') this.#running?.insert(packet.block.rows)
        return await this.more(packet.held)
      case 'cancel':
        return await this.#cancel(packet.held)
      case 'ping':
        if (await this.#idle()) await this.#ask({ kind: 'pong', close: null }, packet.held)
        return
      case 'tablesStatus':
        return await this.#tablesStatus(packet)
      default:
        return packet satisfies never
    }
  }

  /** More of a packet of the agent: of a block, or of a text that is not kept whole. */
  async more(bytes: Buffer): Promise<void> {
    if (this.#fate === 'wait') {
      this.#kept.push(bytes)
      this.#keptBytes += bytes.length
      while (this.#judging !== null && this.#keptBytes > mostKept && !this.#isOver) await this.#progress()
    } else if (this.#fate === 'send') {
      if (this.#running !== null) this.#running.bytesUp += bytes.length
      await this.#parts.toServer(bytes)
    }
  }

  /**
   * Handles one packet of the server, or its beginning.
   * @throws ClawError when it comes unasked
   */
  answer(packet: ServerPacket): void {
    if (this.#learning !== null) {
      this.#learn(packet)
      return
    }
    switch (packet.kind) {
      case 'hello':
        throw new ClawError('CP_PROTOCOL', 'the server said Hello twice')
      case 'pong':
      case 'tablesStatus':
        if (this.#asked?.kind !== packet.kind) throw new ClawError('CP_PROTOCOL', 'the server answered unasked')
        this.#parts.toAgent(packet.held)
        this.#answered(null)
        break
      case 'exception':
        this.#ended(packet.held, packet.exception.code)
        break
      case 'endOfStream':
        this.#ended(packet.held, null)
        break
      default:
        // rows of no statement would be held to no limit
        if (this.#running === null && /^(data|totals|extremes)$/.test(packet.kind))
          throw new ClawError('CP_PROTOCOL', 'the server sent rows unasked')
        this.#pass(packet.held, this.#running?.result.begin(packet) ?? [packet.held])
        if (!packet.goesOn) this.over()
    }
  }

  /** A column of a result's block, told of before its values. */
  column(name: string): void {
    this.#running?.column(name)
  }

  /** More of a packet of the server. */
  rest(bytes: Buffer): void {
    if (this.#learning !== null) {
      // a name fits into what is kept
      if (this.#learning.length > 0 && this.#learning.length < mostLearned) this.#learning.push(bytes)
      return
    }
    this.#pass(bytes, this.#running?.result.add(bytes) ?? [bytes])
  }

  /** A packet of the server has ended. */
  over(): void {
    if (this.#learning !== null) {
      const { judging, revision } = this.#parts
      judging.sql.database = databaseAnswered(Buffer.concat(this.#learning), revision) ?? judging.sql.database
      this.#learning = []
      return
    }
    for (const bytes of this.#running?.result.end() ?? []) this.#parts.toAgent(bytes)
    this.#running?.named()
    this.isBetween = true
  }

  /**
   * Whether bytes of the server may be copied on where it cannot be told any more where a packet ends: not to an agent
   * that gets them in another form.
   */
  stopFollowing(because: string): boolean {
    if (this.#running === null || this.#running.result.isLimited || !this.#isSameForm) return false
    this.#unfollowed = because
    this.#wake()
    return true
  }

  /** Bytes that are copied then. */
  copy(bytes: Buffer): void {
    if (this.#running !== null) this.#running.bytesDown += bytes.length
    if (bytes.length > 0) this.#parts.toAgent(bytes)
  }

  /** The session is over: closes what is open. */
  end(because: string): void {
    this.#isOver = true
    this.#stopTimer()
    this.#running?.close(null, because)
    this.#running = null
    this.#answered(because)
  }

  /** Begins to judge a query; blocks that follow it, and a Cancel, are read meanwhile. */
  async #query({ query, isFramed, held }: Extract<ClientPacket, { kind: 'query' }>): Promise<void> {
    if (!(await this.#idle())) return
    const { judging, check, fail } = this.#parts
    check()
    if (judging.sql.database === '' && !this.#hasLearned) await this.#askDatabase()
    if (this.#isOver) return
    this.#fate = 'wait'
    this.#kept = [held]
    this.#keptBytes = held.length
    const token = {}
    this.#judging = token
    const isWanted = () => this.#judging === token && !this.#isOver
    judgeQuery({ ...judging, isWanted }, query)
      .then((verdict) => {
        if (isWanted())
          this.#decided(verdict, () => {
            this.#isSameForm = isFramed === query.isCompressed
            this.#parts.expect(isFramed, query.isCompressed)
          })
        else if (verdict.kind === 'cleared')
          new Running(judging.session, verdict.cleared).close(null, 'not sent: the agent did not wait for it')
      })
      .catch(fail)
  }

  #decided(verdict: Verdict, expect: () => void): void {
    const { judging, toAgent, toServer, fail } = this.#parts
    const kept = this.#kept
    this.#kept = []
    this.#judging = null
    this.#fate = verdict.kind === 'cleared' ? 'send' : 'drop'
    if (verdict.kind === 'denied') toAgent(verdict.told)
    if (verdict.kind === 'cleared') {
      const running = new Running(judging.session, verdict.cleared)
      this.#running = running
      running.bytesUp = this.#keptBytes
      judging.sql.sent(running.statements)
      expect()
      toServer(Buffer.concat(kept)).catch(fail)
    }
    this.#wake()
  }

  async #tablesStatus({ tables, held }: Extract<ClientPacket, { kind: 'tablesStatus' }>): Promise<void> {
    if (!(await this.#idle())) return
    const { judging, check, toAgent } = this.#parts
    check()
    const verdict = await judgeTablesStatus({ ...judging, isWanted: () => !this.#isOver }, tables)
    if (verdict.kind === 'denied') toAgent(verdict.told)
    if (verdict.kind !== 'cleared') return
    const [one] = verdict.cleared
    const close = (error: string | null) => {
      if (one !== undefined)
        closeAction(judging.session, one.judged, { status: error === null ? 'OK' : 'error', error })
    }
    if (this.#isOver) close('the session is over')
    else await this.#ask({ kind: 'tablesStatus', close }, held)
  }

  /** Asks which database it is whose tables are named without one: rules that name them in full hold then. */
  async #askDatabase(): Promise<void> {
    const { expect, toServer, revision, fail } = this.#parts
    this.#hasLearned = true
    this.#learning = []
    expect(false, false)
    const late = new ClawError('CP_TIMEOUT', 'the server did not say in time which database the session has')
    this.#timer = setTimeout(() => fail(late), learnMs)
    await toServer(databaseQuestion(revision))
    while (this.#learning !== null && !this.#isOver) await this.#progress()
    this.#stopTimer()
  }

  #learn(packet: ServerPacket): void {
    if (packet.kind === 'data') this.#learning = [packet.held]
    if (packet.kind !== 'exception' && packet.kind !== 'endOfStream') return
    this.#learning = null
    this.#wake()
  }

  async #ask(asked: Asked, bytes: Buffer): Promise<void> {
    this.#asked = asked
    await this.#parts.toServer(bytes)
  }

  #answered(error: string | null): void {
    this.#asked?.close?.(error)
    this.#asked = null
    this.#wake()
  }

  async #cancel(held: Buffer): Promise<void> {
    const { toAgent, toServer } = this.#parts
    if (this.#judging !== null) {
      this.#judging = null
      this.#kept = []
      this.#fate = 'drop'
      toAgent(refusal(codes.cancelled, 'the statement was cancelled before it was sent'))
      this.#wake()
      return
    }
    // a late one could meet the statement that comes next
    if (this.#running === null || this.#running.isCancelled) return
    this.#running.isCancelled = true
    await toServer(held)
  }

  /** A statement is over, or the server says what else is wrong. */
  #ended(held: Buffer, code: number | null): void {
    const { judging, toAgent } = this.#parts
    const running = this.#running
    if (running === null) {
      toAgent(held)
      this.#answered(code === null ? null : `the server answered with error ${code}`)
      return
    }
    this.#running = null
    this.#stopTimer()
    running.bytesDown += held.length
    const isCut = running.result.exceeded !== null
    toAgent(isCut ? refusal(codes.tooManyRowsOrBytes, `clawpatrol ended this statement: ${running.excess}`) : held)
    if (code === null) judging.sql.ran(running.statements)
    running.close(isCut ? null : code, isCut ? running.excess : null)
    this.#wake()
  }

  #pass(came: Buffer, passing: readonly Buffer[]): void {
    const running = this.#running
    if (running !== null) running.bytesDown += came.length
    for (const bytes of passing) this.#parts.toAgent(bytes)
    if (passing.length > 0) this.isBetween = false
    if (running !== null && running.result.exceeded !== null && this.#timer === null) this.#stop(running)
  }

  /** Has the server end a statement whose result broke a limit. */
  #stop(running: Running): void {
    const { toServer, fail } = this.#parts
    this.#timer = setTimeout(() => fail(new ClawError('CP_LIMIT', running.excess)), cancelMs)
    if (running.isCancelled) return
    running.isCancelled = true
    toServer(cancelPacket()).catch(fail)
  }

  #stopTimer(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
  }

  /** Waits until nothing is judged or owed by the server; false: the session is over. */
  async #idle(): Promise<boolean> {
    while (!this.#isOver && this.isOwed) {
      if (this.#unfollowed !== null) {
        // who asks for more has read the answer to its end
        this.isBetween = true
        const because = `after a result that could not be followed (${this.#unfollowed})`
        throw new ClawError('CP_PROTOCOL', `the session cannot go on ${because}: connect again`)
      }
      await this.#progress()
    }
    return !this.#isOver
  }

  #progress(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  #wake(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const each of waiting) each()
  }
}
