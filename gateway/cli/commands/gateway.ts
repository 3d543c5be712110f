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
    const { policy } = loaded
    const log = openLog({ path: policy.gateway.logPath })
    const askedRules = rulesThatAsk(policy)
    if (askedRules.length > 0) log.warn('approvals.unavailable', { rules: askedRules, effect: 'they deny' })
    const reopen = () => log.reopen()
    process.on('SIGHUP', reopen)
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
      process.off('SIGHUP', reopen)
      await running.stop()
    }
  },
}

/** Loads a configuration and prints what is wrong with it; null when a gateway must not start with it. */
export async function startable(path: string): Promise<(LoadedPolicy & { readonly policy: Policy }) | null> {
  const loaded = await loadPolicy(path, { servable: true })
  for (const problem of loaded.problems) printError(`${formatProblem(problem)}\n`)
  const { policy } = loaded
  if (policy === null) {
    printError(`clawpatrol: ${path} has errors: the gateway does not start`)
    return null
  }
  return { ...loaded, policy }
}

/** Names of rules that need an approver; nobody can be asked yet. */
function rulesThatAsk({ profiles }: Policy): string[] {
  const rules = [...profiles.values()].flatMap(({ endpoints }) => endpoints.flatMap((endpoint) => endpoint.rules))
  const asking = rules.filter(({ mode, outcome }) => mode === 'enforce' && outcome.do === 'ask')
  return [...new Set(asking.map(({ name }) => name))].slice(0, 100)
}
