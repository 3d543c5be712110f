import { type FSWatcher, watch as watchFolder } from 'node:fs'
import { stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Problem } from './diagnostics.ts'
import { contentOf, loadFiles, readIncluded } from './load.ts'
import { type LoadedPolicy, loadPolicy } from './load-policy.ts'
import type { Policy } from './policy.ts'

/** How a running gateway follows its configuration. */
export interface WatchOptions {
  /** What the gateway runs with now: the same revision is not announced again. */
  readonly current: LoadedPolicy | null
  /** How often files are looked at besides what the system announces, ms. */
  readonly pollMs?: number
  readonly load?: (path: string) => Promise<LoadedPolicy>
}

/** A running watch; owns its timer, its file watchers and its signal handler. */
export interface ConfigWatch extends AsyncDisposable {
  /** Loads now, changed or not; resolves when the outcome was announced. */
  reload(): Promise<void>
}

/** Editors write in several steps: wait this long for the last one, ms. */
const settleMs = 50

/**
 * Reloads when a file of the configuration, or one it includes, changes, and on SIGHUP: all or nothing.
 * A configuration with an error is announced to `onProblems` and changes nothing; the next change is tried again.
 */
export function watchConfig(
  path: string,
  onPolicy: (policy: Policy, problems: readonly Problem[]) => void,
  onProblems: (problems: readonly Problem[]) => void,
  options: WatchOptions = { current: null },
): ConfigWatch {
  const load = options.load ?? ((each: string) => loadPolicy(each, { servable: true }))
  let revision = options.current?.policy?.revision ?? null
  let watched: readonly string[] = options.current?.watched ?? [path]
  let included = options.current?.included ?? []
  let content = options.current?.content ?? ''
  let seen: string | null = null
  let watchers: FSWatcher[] = []
  let settling: NodeJS.Timeout | undefined
  let running: Promise<void> = Promise.resolve()
  let isClosed = false

  const announce = async (): Promise<void> => {
    const loaded = await load(path)
    if (isClosed) return
    content = loaded.content
    included = loaded.included
    seen = null
    follow(loaded.watched)
    if (loaded.policy === null) onProblems(loaded.problems)
    else if (loaded.policy.revision !== revision) {
      revision = loaded.policy.revision
      onPolicy(loaded.policy, loaded.problems)
    }
  }
  const look = async (): Promise<void> => {
    const { text, changedAt } = await stateOf(watched)
    if (text === seen) return
    // times are coarse: a file written a moment ago may be written again without another time
    seen = Date.now() - changedAt > 1000 ? text : null
    const now = contentOf(await loadFiles(path), await readIncluded(included))
    if (!isClosed && now !== content) await announce()
  }
  const queue = (step: () => Promise<void>): Promise<void> => {
    // one at a time, and a step that fails does not end the watch
    running = running.then(step).catch(() => undefined)
    return running
  }
  const soon = () => {
    clearTimeout(settling)
    settling = setTimeout(() => void queue(look), settleMs)
  }
  const follow = (paths: readonly string[]) => {
    const folders = (list: readonly string[]) => [...new Set(list.map((each) => dirname(each)))].sort().join('\n')
    const isSame = folders(paths) === folders(watched) && watchers.length > 0
    watched = paths
    if (isSame) return
    for (const watcher of watchers) watcher.close()
    watchers = [...new Set([...paths.map((each) => dirname(each)), ...paths.slice(0, 1)])].flatMap((folder) =>
      openWatcher(folder, soon),
    )
  }

  const onHangup = () => void queue(announce)
  process.on('SIGHUP', onHangup)
  const timer = setInterval(() => void queue(look), options.pollMs ?? 3000)
  timer.unref()
  follow(watched)
  void queue(look)
  return {
    reload: () => queue(announce),
    [Symbol.asyncDispose]: async () => {
      isClosed = true
      process.off('SIGHUP', onHangup)
      clearInterval(timer)
      clearTimeout(settling)
      for (const watcher of watchers) watcher.close()
      await running
    },
  }
}

function openWatcher(folder: string, changed: () => void): FSWatcher[] {
  try {
    const watcher = watchFolder(folder, { persistent: false }, changed)
    // polling goes on without it
    watcher.on('error', () => watcher.close())
    return [watcher]
  } catch {
    return []
  }
}

/** What tells one state of files from another (also one replaced by an older file), and when it came about. */
async function stateOf(paths: readonly string[]): Promise<{ text: string; changedAt: number }> {
  const found = await Promise.all(
    paths.map(async (path) => {
      const state = await stat(path).catch(() => null)
      return state === null
        ? { text: `${path} -`, changedAt: 0 }
        : { text: `${path} ${state.ino} ${state.size} ${state.mtimeMs} ${state.ctimeMs}`, changedAt: state.ctimeMs }
    }),
  )
  return {
    text: found.map(({ text }) => text).join('\n'),
    changedAt: Math.max(0, ...found.map(({ changedAt }) => changedAt)),
  }
}
