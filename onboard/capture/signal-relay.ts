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

type Send = (signal: number) => void

// one listener for all runs of this process: Node warns of more than ten
const runs = new Set<Send>()
const listeners = RELAYED.map((name) => ({ name, listener: () => relay(name) }))

/**
 * Keeps this process alive through the signals it gets and tells each to the command instead.
 * Suspends this process too after SIGTSTP, so that a shell sees the job stop.
 * @param send gets the signal's number
 * @returns ends it
 */
export function relaySignals(send: Send): () => void {
  if (runs.size === 0) for (const { name, listener } of listeners) process.on(name, listener)
  runs.add(send)
  return () => {
    runs.delete(send)
    if (runs.size === 0) for (const { name, listener } of listeners) process.off(name, listener)
  }
}

function relay(name: (typeof RELAYED)[number]): void {
  for (const send of runs) send(constants.signals[name])
  if (name === 'SIGTSTP') process.kill(process.pid, 'SIGSTOP')
}
