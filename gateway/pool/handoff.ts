import { ClawError, type Fault, toFault } from '../../workers/contract/errors.ts'
import type { FlowReport, FlowTask } from '../../workers/contract/messages.ts'
import { closeIfSame, type FdIdentity, identify } from './fds.ts'
import type { ThreadHost } from './host.ts'

/**
 * One flow on its way through a pool. THE rule of who owns its descriptor:
 * main, until the worker posts `started`; then the worker, until its thread has ended. So main closes it exactly
 * - when it was never handed out (`giveUp`),
 * - when the flow is over, every message of the live threads has been read, and none said `started` (`settle`),
 * - when the threads that may have had it are gone and it still stands for the same socket (`threadsGone`).
 */
export class Handoff {
  readonly task: FlowTask
  readonly #identity: FdIdentity
  /** The thread that adopted the descriptor; null: nobody yet. */
  thread: ThreadHost | null = null
  #cancelled: string | null = null
  #fault: Fault | null = null

  constructor(task: FlowTask) {
    this.task = task
    this.#identity = identify(task.fd)
  }

  /** The worker owns the descriptor now. */
  started(thread: ThreadHost): void {
    this.thread = thread
    if (this.#cancelled !== null) this.#postCancel(thread, this.#cancelled)
  }

  /** Ends the flow; before it started, as soon as it does. */
  cancel(because: string): void {
    if (this.#cancelled !== null) return
    this.#cancelled = because
    if (this.thread !== null) this.#postCancel(this.thread, because)
  }

  /** Ends the flow as a fault whatever its worker will report. */
  fail(fault: Fault): void {
    this.#fault ??= fault
    this.cancel(fault.message)
  }

  /** No thread ever saw the task. */
  giveUp(): void {
    closeIfSame(this.#identity)
  }

  settle(): void {
    if (this.thread === null) closeIfSame(this.#identity)
  }

  threadsGone(): void {
    closeIfSame(this.#identity)
  }

  /** What the flow came to: main's own findings go before what the worker says. */
  report(said: FlowReport | null, error: unknown): FlowReport {
    const blank = { bytesUp: 0, bytesDown: 0, actions: 0, endedBy: 'fault', fault: null } as const
    const base: FlowReport = { ...blank, ...said, flow: this.task.flow.id }
    if (this.#fault !== null) return { ...base, endedBy: 'fault', fault: this.#fault }
    if (said !== null) return base
    if (this.#cancelled !== null) return { ...base, endedBy: 'cancel' }
    const fault = error instanceof ClawError ? error : new ClawError('CP_INTERNAL', 'the worker thread ended')
    return { ...base, fault: toFault(fault) }
  }

  #postCancel(thread: ThreadHost, because: string): void {
    thread.post({ kind: 'cancel', flow: this.task.flow.id, because })
  }
}
