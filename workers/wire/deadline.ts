import { ClawError } from '../contract/errors.ts'

/** A signal that aborts when a time is over, and a clock that has to be stopped. */
export interface Deadline extends Disposable {
  /** Its reason is a ClawError. */
  readonly signal: AbortSignal
}

/**
 * Starts the clock of something that must not take for ever.
 * @param outer aborts it as well
 * @param late what is said when the time is over
 */
export function startDeadline(outer: AbortSignal, ms: number, late: string): Deadline {
  const controller = new AbortController()
  const timer = setTimeout(() => controller.abort(new ClawError('CP_TIMEOUT', late)), ms)
  const cancel = () => {
    const { reason } = outer
    controller.abort(reason instanceof ClawError ? reason : new ClawError('CP_CANCELLED', 'the flow was cancelled'))
  }
  outer.addEventListener('abort', cancel, { once: true })
  if (outer.aborted) cancel()
  return {
    signal: controller.signal,
    [Symbol.dispose]() {
      clearTimeout(timer)
      outer.removeEventListener('abort', cancel)
    },
  }
}
