import { constants, hostname } from 'node:os'
import { resolve } from 'node:path'
import type { Fd } from '../../workers/contract/ids.ts'
import type { CapturedRun, TunnelSession } from './capture.ts'
import { encodeConfig } from './config-frame.ts'
import { lockDns } from './dns-lockdown.ts'
import { Helper } from './helper.ts'
import { defaultMasks } from './masks.ts'
import { relaySignals } from './signal-relay.ts'

/**
 * Runs the command in its own user, network, mount and pid namespaces, whose only uplink is the TUN.
 * @see capture for the result and the errors
 */
export async function captureOnLinux(run: CapturedRun): Promise<number> {
  const start = new Start()
  const stopRelay = relaySignals((signal) => start.onSignal(signal))
  try {
    const config = await configFor(run)
    const stdio = run.stdio ?? (['inherit', 'inherit', 'inherit'] as const)
    const helper = new Helper({ config, stdio, onWarning: (text) => run.warn?.(text) })
    try {
      return await serve(run, helper, start)
    } finally {
      await helper.close()
    }
  } catch (error) {
    if (error instanceof StoppedEarly) return 128 + error.signal
    throw error
  } finally {
    stopRelay()
  }
}

async function serve(run: CapturedRun, helper: Helper, start: Start): Promise<number> {
  const tun = await helper.receiveTun()
  const session = await attach(run, tun, Promise.race([helper.ready.then(forever), start.stopped]))
  try {
    await Promise.race([helper.ready, start.stopped])
    start.begin(helper)
    return await helper.ended
  } finally {
    // the command has ended: its status is what counts
    await session.close().catch((error) => run.warn?.(`the tunnel did not close cleanly: ${messageOf(error)}`))
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

async function attach(run: CapturedRun, tun: Fd, broken: Promise<never>): Promise<TunnelSession> {
  const attaching = run.attach(tun)
  try {
    return await Promise.race([attaching, broken])
  } catch (error) {
    // a session that comes after all has no other owner
    attaching.then((session) => session.close()).catch(() => undefined)
    throw error
  }
}

function forever(): Promise<never> {
  return new Promise(() => undefined)
}

async function configFor(run: CapturedRun): Promise<Buffer> {
  const dns = run.keepResolv ? { files: [], mask: [] } : await lockDns(run.tunnel.dns, hostname())
  const uid = run.user?.uid ?? process.geteuid?.() ?? 0
  const runtimeDir = run.env.XDG_RUNTIME_DIR
  const sockets = defaultMasks({ uid, allow: run.allow ?? [], ...(runtimeDir === undefined ? {} : { runtimeDir }) })
  return encodeConfig({
    userNamespace: process.geteuid?.() !== 0,
    waitAll: run.waitAll ?? false,
    address4: run.tunnel.address4,
    address6: run.tunnel.address6,
    mtu: run.tunnel.mtu,
    cwd: run.cwd,
    user: run.user ?? null,
    argv: [run.command, ...run.args],
    env: run.env,
    files: dns.files,
    // the helper works in "/"
    hide: run.hide.map(({ dir, keep }) => ({ dir: resolve(run.cwd, dir), keep })),
    mask: [...dns.mask, ...sockets, ...run.mask.map((path) => resolve(run.cwd, path))],
  })
}

class StoppedEarly extends Error {
  readonly signal: number

  constructor(signal: number) {
    super(`Cannot start the command: stopped by signal ${signal}`)
    this.signal = signal
  }
}

const ENDING: readonly number[] = [
  constants.signals.SIGHUP,
  constants.signals.SIGINT,
  constants.signals.SIGQUIT,
  constants.signals.SIGTERM,
]

/** Where signals go: until the command runs they end us, afterwards they are the command's. */
class Start {
  readonly stopped: Promise<never>
  #stop: (error: StoppedEarly) => void = () => undefined
  #helper: Helper | null = null

  constructor() {
    this.stopped = new Promise((_, reject) => {
      this.#stop = reject
    })
    this.stopped.catch(() => undefined)
  }

  begin(helper: Helper): void {
    this.#helper = helper
    helper.go()
  }

  onSignal(signal: number): void {
    if (this.#helper !== null) this.#helper.signal(signal)
    else if (ENDING.includes(signal)) this.#stop(new StoppedEarly(signal))
  }
}
