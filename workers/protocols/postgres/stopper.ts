import type { Duplex } from 'node:stream'
import type { Session } from '../../contract/plugin.ts'
import { requestCancel } from './cancel.ts'
import type { Conversation } from './conversation.ts'
import type { PostgresSettings } from './definition.ts'
import type { Tally } from './tally.ts'

/** How long a server may take to end a statement it was asked to end, ms. */
const stopMs = 10_000

/** What it takes to have a server end what it runs. */
export interface StopperParts {
  readonly session: Session<PostgresSettings>
  readonly upstream: Duplex
  readonly cancelKey: Buffer | null
  readonly conversation: Conversation
}

/**
 * Has a server end a statement that gave more than it may. What is sent meanwhile waits until the server has taken the
 * request to cancel: it can hit nothing else.
 */
export class Stopper {
  readonly #parts: StopperParts
  readonly #onStuck: () => void
  #cut: Tally | null = null
  #timer: NodeJS.Timeout | null = null
  /** Settles when nothing is asked of the server any more. */
  settled: Promise<void> = Promise.resolve()

  /** @param onStuck called when the statement cannot be ended */
  constructor(parts: StopperParts, onStuck: () => void) {
    this.#parts = parts
    this.#onStuck = onStuck
  }

  /** Looks whether there is something to stop; call it when the server has said something. */
  check(): void {
    const { cut, isStopping } = this.#parts.conversation
    if (cut === this.#cut || isStopping) return
    this.end()
    this.#cut = cut
    if (cut !== null) this.settled = this.#stop(cut)
  }

  /** The session is over. */
  end(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
  }

  async #stop(cut: Tally): Promise<void> {
    const { upstream, conversation } = this.#parts
    conversation.isStopping = true
    // a server that waits for us to read is not done before it is stopped
    upstream.pause()
    const isTold = await this.#ask()
    conversation.stopped()
    upstream.resume()
    if (conversation.cut !== cut) return
    if (isTold) this.#timer = setTimeout(() => conversation.cut === cut && this.#onStuck(), stopMs)
    else this.#onStuck()
  }

  async #ask(): Promise<boolean> {
    const { session, cancelKey } = this.#parts
    if (cancelKey === null) return false
    return await requestCancel(session, cancelKey, session.signal).then(
      () => true,
      () => false,
    )
  }
}
