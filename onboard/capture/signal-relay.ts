import { constants } from 'node:os'

const RELAYED = [
  'SIGHUP',
  'SIGINT',
  'SIGQUIT',
  'SIGTERM',
  'SIGUSR1',
  'SIGUSR2',
  'SIGWINCH',
  'SIGTSTP',
  'SIGCONT',
] as const

/**
 * Keeps this process alive through the signals it gets and tells each to the command instead.
 * Suspends this process too after SIGTSTP, so that a shell sees the job stop.
 */
export class SignalRelay {
  readonly #listeners = new Map<NodeJS.Signals, () => void>()

  /** @param send gets the signal's number */
  constructor(send: (signal: number) => void) {
    for (const name of RELAYED) {
      const listener = (): void => {
        send(constants.signals[name])
        if (name === 'SIGTSTP') process.kill(process.pid, 'SIGSTOP')
      }
      this.#listeners.set(name, listener)
      process.on(name, listener)
    }
  }

  stop(): void {
    for (const [name, listener] of this.#listeners) process.off(name, listener)
    this.#listeners.clear()
  }
}
