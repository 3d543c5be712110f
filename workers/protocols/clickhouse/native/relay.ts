import type { Duplex } from 'node:stream'
import { ClawError } from '../../../contract/errors.ts'
import { drained } from '../../../wire/drained.ts'
import { closeGently } from '../../../wire/linger.ts'
import type { AgentGreeting } from './agent-greeting.ts'
import { Conversation } from './conversation.ts'
import type { JudgingParts } from './judge-query.ts'
import { codes, refusal } from './respond.ts'
import type { ServerSession } from './server-session.ts'

/** A session both of whose sides have said Hello. */
export interface RelayParts {
  readonly agent: AgentGreeting
  readonly server: ServerSession
  readonly judging: Omit<JudgingParts, 'isWanted'>
  /** @throws ClawError when the session may not go on */
  readonly check: () => void
}

/** Carries a session to its end. Owns both sockets; resolves when both are closed. */
export async function relay(parts: RelayParts): Promise<void> {
  await new Relay(parts).run()
}

/** Most bytes that wait for an agent before more is made for it: a short frame may hold much. */
const mostAhead = 1 << 20

class Relay {
  readonly #parts: RelayParts
  readonly #conversation: Conversation
  #isOver = false

  constructor(parts: RelayParts) {
    const { agent, server, judging, check } = parts
    this.#parts = parts
    server.columns.tell = (name) => this.#conversation.column(name)
    this.#conversation = new Conversation({
      judging,
      revision: server.revision,
      check,
      toAgent: (bytes) => void agent.stream.write(bytes),
      toServer: async (bytes) => {
        if (!this.#isOver && !server.stream.write(bytes)) await drained(server.stream)
      },
      expect: (isFramed, isCompressed) => server.packets.decoder.expect(isFramed, isCompressed),
      fail: (error) => this.#fail(error, 'gateway'),
    })
  }

  async run(): Promise<void> {
    const { agent, server, judging } = this.#parts
    const { signal } = judging.session
    const closed = (socket: Duplex) =>
      socket.closed ? Promise.resolve() : new Promise<void>((resolve) => socket.once('close', () => resolve()))
    const cancel = () => this.#end('the flow was cancelled', 'clawpatrol ends the session')
    agent.stream.on('error', () => undefined)
    server.stream.on('error', () => undefined)
    agent.stream.on('close', () => this.#end('the agent closed the connection', null))
    server.stream.on('close', () => this.#serverEnded())
    signal.addEventListener('abort', cancel, { once: true })
    if (signal.aborted) cancel()
    try {
      const both = Promise.all([closed(agent.stream), closed(server.stream)])
      await Promise.all([this.#readAgent(), this.#readServer(), both])
    } finally {
      signal.removeEventListener('abort', cancel)
    }
  }

  async #readAgent(): Promise<void> {
    const { packets } = this.#parts.agent
    const { decoder } = packets
    try {
      while (!this.#isOver) {
        const packet = decoder.next()
        if (packet !== null) {
          // who does not read its denials is asked nothing more
          if (packet.kind !== 'cancel' && this.#isAhead) await drained(this.#parts.agent.stream)
          await this.#conversation.handle(packet)
          continue
        }
        const wasInside = decoder.isInside
        const rest = decoder.rest()
        if (rest !== null) await this.#conversation.more(rest)
        // a packet that has ended may have the next one behind it
        else if (wasInside === decoder.isInside && !(await packets.more())) break
      }
      this.#end('the agent closed the connection', null)
    } catch (error) {
      this.#fail(error, 'agent')
    }
  }

  async #readServer(): Promise<void> {
    const { agent, server } = this.#parts
    try {
      for (;;) {
        agent.stream.cork()
        let isAll = false
        try {
          isAll = this.#readAnswers()
        } finally {
          agent.stream.uncork()
        }
        if (agent.stream.writableNeedDrain) await drained(agent.stream)
        if (this.#isOver || (isAll && !(await server.packets.more()))) break
      }
    } catch (error) {
      const because = error instanceof ClawError ? error.message : 'it could not be read'
      if (this.#isOver || !this.#conversation.stopFollowing(because)) return this.#fail(error, 'server')
      await this.#copy()
    }
    this.#serverEnded()
  }

  get #isAhead(): boolean {
    return this.#parts.agent.stream.writableLength > mostAhead
  }

  /** Reads what has come from the server; false: the agent has to take some of it first. */
  #readAnswers(): boolean {
    const { decoder } = this.#parts.server.packets
    while (!this.#isOver) {
      if (this.#isAhead) return false
      const packet = decoder.next()
      if (packet !== null) {
        this.#conversation.answer(packet)
        continue
      }
      if (!decoder.isInside) return true
      const rest = decoder.rest()
      if (rest !== null) this.#conversation.rest(rest)
      if (!decoder.isInside) this.#conversation.over()
      else if (rest === null) return true
    }
    return true
  }

  /** From here on bytes of the server are copied as they are: it cannot be told any more where a packet ends. */
  async #copy(): Promise<void> {
    const { agent, server } = this.#parts
    do {
      this.#conversation.copy(server.packets.decoder.leave())
      if (agent.stream.writableNeedDrain) await drained(agent.stream)
    } while (!this.#isOver && (await server.packets.more()))
  }

  #serverEnded(): void {
    const because = 'the server closed the connection'
    this.#end(because, this.#conversation.isOwed ? because : null)
  }

  #fail(error: unknown, where: 'agent' | 'server' | 'gateway'): void {
    const fault = error instanceof ClawError ? error : new ClawError('CP_INTERNAL', 'the session failed')
    const isForbidden = fault.code === 'CP_FORBIDDEN'
    const title = isForbidden ? 'a statement of a session that has to end' : 'a packet that cannot be read'
    if (where === 'agent' && !this.#isOver) this.#parts.judging.session.refuse(title, fault.message, {})
    this.#end(fault.message, `clawpatrol ends the session: ${fault.message}`)
  }

  /** @param told what the agent is told, where it can be */
  #end(because: string, told: string | null): void {
    if (this.#isOver) return
    this.#isOver = true
    const { agent, server } = this.#parts
    if (told !== null && this.#conversation.isBetween && agent.stream.writable)
      agent.stream.write(refusal(codes.unexpectedPacket, told))
    this.#conversation.end(because)
    server.stream.destroy()
    closeGently(agent.stream)
  }
}
