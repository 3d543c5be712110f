import type { Addon } from './protocol.ts'

/**
 * Makes signal handlers of this process safe for Go's threads: libuv's lack SA_ONSTACK, and a signal that lands on a
 * Go thread would write beyond its stack. SIGCHLD is watched for good, so that libuv never installs its handler anew.
 */
export function protectSignals(addon: Addon): void {
  process.on('SIGCHLD', ignore)
  addon.onStack()
  process.on('newListener', (name) => {
    // after the listener has been added, and with it libuv's handler
    if (typeof name === 'string' && name.startsWith('SIG')) process.nextTick(() => addon.onStack())
  })
}

function ignore(): void {
  // the watcher itself is what is wanted
}
