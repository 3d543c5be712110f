import type { ReloadResult } from './admin/ports.ts'
import { formatProblem, type Problem } from './config/diagnostics.ts'
import { loadFiles, revisionOf } from './config/load.ts'
import type { LoadedPolicy } from './config/load-policy.ts'
import type { Policy } from './config/policy.ts'
import { watchConfig } from './config/watch.ts'
import type { CurrentPolicy } from './current-policy.ts'
import type { Log } from './log.ts'
import type { Change, History } from './revisions/history.ts'
import { ownerOfNewest } from './revisions/owner.ts'
import { readSnapshot, snapshotRevision } from './revisions/snapshot.ts'

/** What following the configuration needs. */
export interface FollowOptions {
  readonly path: string
  readonly loaded: LoadedPolicy & { readonly policy: Policy }
  readonly current: CurrentPolicy
  readonly log: Log
  readonly history: History
  /** Called after a new policy is in force. */
  readonly applied: () => void
}

/** Whose doing a change is. */
export interface Author {
  readonly who: string
  readonly how: 'reload' | 'rollback'
}

/** The running gateway's eye on its configuration. */
export interface ConfigFollow extends AsyncDisposable {
  /** Loads now and says what came of it. @param author null: nobody said who */
  reload(author: Author | null): Promise<ReloadResult>
  /** Says whose doing it is if this revision comes into force within `expectMs`. */
  expect(revision: string, author: Author): void
}

/** How long an announced revision may take to come into force, ms. */
export const expectMs = 30_000

/** Applies what changes in the configuration, all or nothing; a policy with errors changes nothing and is logged. */
export function followConfig({ path, loaded, current, log, history, applied }: FollowOptions): ConfigFollow {
  let last: readonly Problem[] = []
  let isApplied = true
  let author: Author | null = null
  let expected: (Author & { readonly revision: string; readonly until: number }) | null = null
  let noting: Promise<void> = Promise.resolve()
  const note = (step: () => Promise<void>) => {
    // the history tells what happened; it decides nothing
    noting = noting.then(step).catch((error: unknown) => log.error('config.history', { error }))
  }
  const changeOf = async (revision: string, files: readonly string[], by: Author | null): Promise<Change> => ({
    revision,
    at: Date.now(),
    ...(by ?? { who: await ownerOfNewest(files), how: 'file' }),
  })
  const refuse = (problems: readonly Problem[]) => {
    last = problems
    isApplied = false
    log.error('config.refused', { problems: problems.map((problem) => formatProblem(problem)) })
    const by = author
    note(async () => {
      const { files, watched } = await loadFiles(path)
      const errors = problems.filter(({ severity }) => severity === 'error').length
      history.refused(await changeOf(revisionOf(files, new Map()), watched, by), errors)
    })
  }
  const apply = (policy: Policy, problems: readonly Problem[]) => {
    if (restartNeeded(current.policy, policy)) log.warn('config.restart_needed', { settings: 'gateway block' })
    last = problems
    isApplied = true
    current.replace(policy)
    applied()
    log.info('config.applied', { revision: policy.revision })
    const isExpected = expected?.revision === policy.revision && Date.now() < expected.until
    const by = isExpected && expected !== null ? { who: expected.who, how: expected.how } : author
    expected = null
    note(async () => keep(history, path, policy, await changeOf(policy.revision, policy.files, by)))
  }
  const { policy } = loaded
  if (history.current()?.revision !== policy.revision)
    note(async () => {
      const change = await changeOf(policy.revision, policy.files, null)
      await keep(history, path, policy, { ...change, how: 'start' })
    })
  const watch = watchConfig(path, apply, refuse, { current: loaded })
  return {
    async reload(by) {
      isApplied = true
      last = []
      author = by
      await watch.reload()
      author = null
      await noting
      return {
        isApplied,
        revision: current.policy.revision,
        problems: last.map((problem) => formatProblem(problem)),
      }
    },
    expect(revision, by) {
      expected = { ...by, revision, until: Date.now() + expectMs }
    },
    async [Symbol.asyncDispose]() {
      await watch[Symbol.asyncDispose]()
      await noting
    },
  }
}

/** Keeps the files, unless they are others by now: those come into force next. */
async function keep(history: History, path: string, policy: Policy, change: Change): Promise<void> {
  const own = new Set((await loadFiles(path)).files.map(({ name }) => name))
  const snapshot = await readSnapshot(
    path,
    policy.files.filter((file) => !own.has(file)),
  )
  history.applied(change, snapshotRevision(snapshot) === policy.revision ? snapshot : null)
}

/** Listeners, the tunnel and the state directory are set up once. */
function restartNeeded({ gateway: before }: Policy, { gateway: after }: Policy): boolean {
  const fixed = ({
    stateDir,
    logPath,
    dashboardListen,
    publicUrl,
    resolver,
    wireguard,
    tailscale,
  }: Policy['gateway']) =>
    JSON.stringify({ stateDir, logPath, dashboardListen, publicUrl, resolver, wireguard, tailscale })
  return fixed(before) !== fixed(after)
}
