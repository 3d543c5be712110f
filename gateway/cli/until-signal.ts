const ending = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/**
 * Resolves with the signal that asks this process to end; SIGHUP only counts with a terminal, else it is a reload.
 * A second one ends it at once.
 * @param onFatal told of an error nobody caught; then resolves with null
 */
export function untilSignal(onFatal: (error: unknown) => void): Promise<NodeJS.Signals | null> {
  return new Promise((resolve) => {
    let isAsked = false
    const end = (signal: NodeJS.Signals) => {
      if (signal === 'SIGHUP' && !process.stdin.isTTY) return
      if (isAsked) process.exit(130)
      isAsked = true
      resolve(signal)
    }
    for (const signal of ending) process.on(signal, end)
    const fatal = (error: unknown) => {
      onFatal(error)
      resolve(null)
    }
    process.on('uncaughtException', fatal)
    process.on('unhandledRejection', fatal)
  })
}
