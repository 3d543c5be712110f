import { constants } from 'node:os'
import { basename } from 'node:path'
import type { CapturedRun, RunCommand } from '../capture/capture.ts'
import type { ExtensionRun } from '../capture/darwin/darwin.ts'
import type { Opening } from '../capture/masks.ts'
import { updateBundle } from './bundle.ts'
import { wrappedEnvironment } from './environment.ts'
import type { ExtensionLink } from './extension-link.ts'
import { hiddenDirs } from './hidden-dirs.ts'
import type { Identity } from './identity.ts'
import type { RunLink, RunName } from './run-link.ts'

/** One wrapped command. */
export interface WrappedRun {
  readonly words: readonly [command: string, ...args: string[]]
  /** Groups of sockets on this machine that stay reachable although they lead around the tunnel. */
  readonly allow: readonly Opening[]
  /** Waits for background children instead of ending them with the command. */
  readonly waitAll: boolean
  /** Told what this machine could not give and the capture does not need. */
  readonly warn: (text: string) => void
  /** The system this is; what captures a command depends on it. */
  readonly platform?: NodeJS.Platform
}

const setupSignals = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const

/**
 * Runs a command with all its traffic in a tunnel of its own.
 * @returns the command's exit code; 128 + signal when it, or we before it started, died of one
 * @throws ClawError when the tunnel cannot be had: the command is never run without it
 */
export async function runWrapped(identity: Identity, run: WrappedRun): Promise<number> {
  // before the addon is loaded, which sets variables for its own parts
  const env = { ...process.env }
  const stop = new AbortController()
  let interruptedBy: NodeJS.Signals | null = null
  // once the command runs it gets the signals; until then they end the set-up, and the peer at the gateway with it
  const interrupt = (signal: NodeJS.Signals) => {
    interruptedBy = signal
    stop.abort()
  }
  for (const signal of setupSignals) process.on(signal, interrupt)
  try {
    const name = { name: basename(run.words[0]).slice(0, 128), signal: stop.signal }
    const opening = openLink(identity, name, run.platform ?? process.platform)
    opening.catch(() => undefined)
    try {
      // the helper loads while the gateway answers
      const { capture } = await import('../capture/capture.ts')
      const bundleFile = updateBundle(identity)
      const captured = captureOf(run, { identity, link: await opening, bundleFile, env })
      return interruptedBy === null ? await capture(captured) : codeOf(interruptedBy)
    } finally {
      await opening.then(
        (link) => link.close(),
        () => undefined,
      )
    }
  } catch (error) {
    if (interruptedBy !== null) return codeOf(interruptedBy)
    throw error
  } finally {
    for (const signal of setupSignals) process.off(signal, interrupt)
  }
}

// what the other kind needs is not loaded
async function openLink(
  identity: Identity,
  name: RunName,
  platform: NodeJS.Platform,
): Promise<RunLink | ExtensionLink> {
  if (platform === 'darwin') return (await import('./extension-link.ts')).openExtensionLink(identity, name)
  if (identity.tailnet === null) return (await import('./wireguard-link.ts')).openWireguardLink(identity, name)
  return (await import('./tailnet-link.ts')).openTailnetLink({ ...identity, tailnet: identity.tailnet }, name)
}

interface Prepared {
  readonly identity: Identity
  readonly link: RunLink | ExtensionLink
  readonly bundleFile: string
  /** Variables of this command. */
  readonly env: NodeJS.ProcessEnv
}

function captureOf(run: WrappedRun, { identity, link, bundleFile, env }: Prepared): CapturedRun | ExtensionRun {
  const [command, ...args] = run.words
  const wrapped: RunCommand = {
    command,
    args,
    cwd: process.cwd(),
    env: wrappedEnvironment(env, { caFile: identity.caFile, bundleFile }, link.variables),
    hide: hiddenDirs(identity.dir, env),
    waitAll: run.waitAll,
    warn: run.warn,
  }
  if ('register' in link) return { ...wrapped, register: (pid) => link.register(pid), lost: link.lost }
  return {
    ...wrapped,
    tunnel: link.tunnel,
    attach: (tunFd) => link.attach(tunFd),
    hide: [...wrapped.hide, ...link.hide],
    mask: [],
    allow: run.allow,
    keepResolv: env.CLAWPATROL_RUN_KEEP_RESOLV === '1',
  }
}

function codeOf(signal: NodeJS.Signals): number {
  return 128 + constants.signals[signal]
}
