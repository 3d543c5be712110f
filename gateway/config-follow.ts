import type { ReloadResult } from './admin/ports.ts'
import { formatProblem, type Problem } from './config/diagnostics.ts'
import type { LoadedPolicy } from './config/load-policy.ts'
import type { Policy } from './config/policy.ts'
import { watchConfig } from './config/watch.ts'
import type { CurrentPolicy } from './current-policy.ts'
import type { Log } from './log.ts'

/** What following the configuration needs. */
export interface FollowOptions {
  readonly path: string
  readonly loaded: LoadedPolicy
  readonly current: CurrentPolicy
  readonly log: Log
  /** Called after a new policy is in force. */
  readonly applied: () => void
}

/** The running gateway's eye on its configuration. */
export interface ConfigFollow extends AsyncDisposable {
  /** Loads now and says what came of it. */
  reload(): Promise<ReloadResult>
}

/** Applies what changes in the configuration, all or nothing; a policy with errors changes nothing and is logged. */
export function followConfig({ path, loaded, current, log, applied }: FollowOptions): ConfigFollow {
  let last: readonly Problem[] = []
  let isApplied = true
  const refuse = (problems: readonly Problem[]) => {
    last = problems
    isApplied = false
    log.error('config.refused', { problems: problems.map((problem) => formatProblem(problem)) })
  }
  const apply = (policy: Policy, problems: readonly Problem[]) => {
    if (restartNeeded(current.policy, policy)) log.warn('config.restart_needed', { settings: 'gateway block' })
    last = problems
    isApplied = true
    current.replace(policy)
    applied()
    log.info('config.applied', { revision: policy.revision })
  }
  const watch = watchConfig(path, apply, refuse, { current: loaded })
  return {
    async reload() {
      isApplied = true
      last = []
      await watch.reload()
      return {
        isApplied,
        revision: current.policy.revision,
        problems: last.map((problem) => formatProblem(problem)),
      }
    },
    [Symbol.asyncDispose]: () => watch[Symbol.asyncDispose](),
  }
}

/** Listeners, the tunnel and the state directory are set up once. */
function restartNeeded({ gateway: before }: Policy, { gateway: after }: Policy): boolean {
  const fixed = ({ stateDir, dashboardListen, publicUrl, resolver, wireguard, tailscale }: Policy['gateway']) =>
    JSON.stringify({ stateDir, dashboardListen, publicUrl, resolver, wireguard, tailscale })
  return fixed(before) !== fixed(after)
}
