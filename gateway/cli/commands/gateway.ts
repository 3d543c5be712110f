import { formatProblem } from '../../config/diagnostics.ts'
import { type LoadedPolicy, loadPolicy } from '../../config/load-policy.ts'
import type { Policy } from '../../config/policy.ts'
import { openLog } from '../../log.ts'
import { startGateway } from '../../main.ts'
import { askHidden } from '../../secrets/ask-hidden.ts'
import type { Command } from '../command.ts'
import { print, printError } from '../print.ts'
import { untilSignal } from '../until-signal.ts'

/** `clawpatrol gateway <config>` */
export const gateway: Command = {
  name: 'gateway',
  summary: 'run a gateway',
  args: [{ word: '<config>', summary: 'a file, or a directory of .hcl files' }],
  examples: ['clawpatrol gateway gateway.hcl'],
  exitCodes: [
    { code: 1, meaning: 'it could not start' },
    { code: 2, meaning: 'wrong usage' },
  ],
  run: async ({ args }) => {
    const configPath = args[0] ?? ''
    const loaded = await startable(configPath)
    if (loaded === null) return 1
    const log = openLog()
    const ask = process.stdin.isTTY ? { ask: (question: string) => askHidden(question) } : {}
    const running = await startGateway({ configPath, loaded, log, ...ask })
    const tunnel =
      running.wireguardPort === null ? 'through the tailnet only' : `WireGuard on UDP ${running.wireguardPort}`
    print(`clawpatrol gateway is ready: ${tunnel}, joins at ${running.url}`)
    print(`CA fingerprint ${running.fingerprint}`)
    try {
      const signal = await untilSignal((error) => log.error('fatal', { error }))
      log.info('stopping', { signal: signal ?? 'error' })
      return signal === null ? 1 : 0
    } finally {
      await running.stop()
    }
  },
}

/** Loads a configuration and prints what is wrong with it; null when a gateway must not start with it. */
export async function startable(path: string): Promise<(LoadedPolicy & { readonly policy: Policy }) | null> {
  const loaded = await loadPolicy(path)
  for (const problem of loaded.problems) printError(`${formatProblem(problem)}\n`)
  const { policy } = loaded
  if (policy === null) {
    printError(`clawpatrol: ${path} has errors: the gateway does not start`)
    return null
  }
  return { ...loaded, policy }
}
