import { connect, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { ClawError } from '../../../workers/contract/errors.ts'
import { encodeFrame, FrameReader } from './frame.ts'
import { decodeReply, type RefusalCode, type Reply, type Request } from './protocol.ts'

/** How long an answer may take, and what ends the wait before. */
export interface Patience {
  readonly timeoutMs: number
  readonly signal?: AbortSignal
}

/** The app said no; the channel is as good as before. */
export class ControlRefusal extends Error {
  readonly code: RefusalCode

  constructor(code: RefusalCode, message: string) {
    super(message)
    this.code = code
  }
}

interface Waiting {
  readonly wanted: Reply['kind']
  resolve(reply: Reply): void
  reject(error: Error): void
}

/**
 * One connection to the control socket: a request, its reply, the next. Whatever else comes, and a reply that does not
 * come in time, ends it: what the app took of it would be unknown.
 */
export class ControlChannel {
  /** Resolves once the connection is gone although nobody closed it here. */
  readonly lost: Promise<void>
  readonly #socket: Socket
  readonly #frames = new FrameReader()
  #waiting: Waiting | null = null
  #turn: Promise<unknown> = Promise.resolve()
  #broken: Error | null = null
  #isOurEnd = false
  readonly #onReadable = () => this.#read()

  constructor(path: string) {
    this.#socket = connect(path)
    this.#socket.on('readable', this.#onReadable)
    this.#socket.on('error', (error) => this.#break(error))
    this.lost = new Promise((resolve) => {
      this.#socket.once('close', () => {
        this.#break(new ClawError('CP_CAPTURE', 'Clawpatrol.app closed the connection', { hint: openAgain }))
        if (!this.#isOurEnd) resolve()
      })
    })
  }

  /**
   * Asks once the requests before are answered.
   * @throws ControlRefusal when the app says no
   * @throws Error of the system when there is no connection; ClawError for what else keeps the reply away
   */
  ask<K extends Reply['kind']>(
    request: Request,
    wanted: K,
    patience: Patience,
  ): Promise<Extract<Reply, { readonly kind: K }>> {
    const turn = this.#turn.then(() => this.#exchange(request, wanted, patience))
    this.#turn = turn.catch(() => undefined)
    // #take lets no other kind through
    return turn as Promise<Extract<Reply, { readonly kind: K }>>
  }

  /** The connection itself, after `dialed`: from there on it belongs to the caller and carries no messages. */
  release(): Duplex {
    this.#isOurEnd = true
    this.#broken = new ClawError('CP_INTERNAL', 'Cannot ask over a connection that was given away')
    this.#socket.off('readable', this.#onReadable)
    return this.#socket
  }

  /** Ends it, and with it what the app does for it. */
  close(): void {
    this.#isOurEnd = true
    this.#socket.destroy()
  }

  async #exchange(request: Request, wanted: Reply['kind'], { timeoutMs, signal }: Patience): Promise<Reply> {
    if (this.#broken !== null) throw this.#broken
    const what = request.kind
    const tooLate = () =>
      this.#break(
        new ClawError('CP_TIMEOUT', `Clawpatrol.app did not answer "${what}" in ${timeoutMs / 1000} s`, {
          hint: openAgain,
        }),
      )
    const stop = () => this.#break(new ClawError('CP_CANCELLED', `Stopped while Clawpatrol.app works on "${what}"`))
    const timer = setTimeout(tooLate, timeoutMs)
    signal?.addEventListener('abort', stop)
    try {
      return await new Promise<Reply>((resolve, reject) => {
        this.#waiting = { wanted, resolve, reject }
        if (signal?.aborted === true) stop()
        else this.#socket.write(encodeFrame(request))
      })
    } finally {
      this.#waiting = null
      clearTimeout(timer)
      signal?.removeEventListener('abort', stop)
    }
  }

  #read(): void {
    try {
      for (;;) {
        const chunk = this.#broken === null ? (this.#socket.read() as Buffer | null) : null
        if (chunk === null) return
        const { body, rest } = this.#frames.take(chunk)
        if (body !== null) this.#take(decodeReply(body), rest)
      }
    } catch (error) {
      this.#break(error as Error)
    }
  }

  #take(reply: Reply, rest: Buffer): void {
    const waiting = this.#waiting
    this.#waiting = null
    const isWanted = reply.kind === waiting?.wanted || reply.kind === 'refused'
    // only what was dialled may speak before it is spoken to
    if (waiting === null || !isWanted || (rest.length > 0 && reply.kind !== 'dialed')) {
      this.#waiting = waiting
      throw new ClawError('CP_PROTOCOL', `Clawpatrol.app sent "${reply.kind}" unasked`, { hint: sameRelease })
    }
    if (reply.kind === 'refused') {
      waiting.reject(new ControlRefusal(reply.code, reply.message))
      return
    }
    if (reply.kind === 'dialed') {
      this.release()
      if (rest.length > 0) this.#socket.unshift(rest)
    }
    waiting.resolve(reply)
  }

  #break(error: Error): void {
    this.#broken ??= error
    this.#waiting?.reject(this.#broken)
    this.#waiting = null
    this.#socket.destroy()
  }
}

/** What helps when the app does not behave. */
export const openAgain = 'quit Clawpatrol.app and open it again'

/** What helps when the two ends do not speak the same language. */
export const sameRelease = 'use Clawpatrol.app and clawpatrol of the same release'
