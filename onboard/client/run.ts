import { constants } from 'node:os'
import { basename } from 'node:path'
import type { CapturedRun } from '../capture/capture.ts'
import type { Opening } from '../capture/masks.ts'
import { updateBundle } from './bundle.ts'
import { resolveEndpoint } from './endpoint.ts'
import { wrappedEnvironment } from './environment.ts'
import { gatewayHttp } from './gateway-http.ts'
import { hiddenDirs } from './hidden-dirs.ts'
import type { Identity } from './identity.ts'
import { openSession, type RunSession } from './session.ts'
import { type KeyPair, newKeyPair } from './wireguard-key.ts'

/** One wrapped command. */
export interface WrappedRun {
  readonly words: readonly [command: string, ...args: string[]]
  /** Groups of sockets on this machine that stay reachable although they lead around the tunnel. */
  readonly allow: readonly Opening[]
  /** Waits for background children instead of ending them with the command. */
  readonly waitAll: boolean
  /** Told what this machine could not give and the capture does not need. */
  readonly warn: (text: string) => void
}

const setupSignals = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const

/**
 * Runs a command with all its traffic in a tunnel of its own.
 * @returns the command's exit code; 128 + signal when it, or we before it started, died of one
 * @throws ClawError when the tunnel cannot be had: the command is never run without it
 */
export async function runWrapped(identity: Identity, run: WrappedRun): Promise<number> {
  const stop = new AbortController()
  let interruptedBy: NodeJS.Signals | null = null
  // once the command runs it gets the signals; until then they end the set-up, and the peer at the gateway with it
  const interrupt = (signal: NodeJS.Signals) => {
    interruptedBy = signal
    stop.abort()
  }
  for (const signal of setupSignals) process.on(signal, interrupt)
  const http = await gatewayHttp(identity.gateway)
  try {
    const key = newKeyPair()
    const name = basename(run.words[0]).slice(0, 128)
    const opening = openSession(http, identity, { publicKey: key.publicKey, name, signal: stop.signal })
    opening.catch(() => undefined)
    // the helper and the addon load while the gateway answers
    const { capture } = await import('../capture/capture.ts')
    const tunnel = await import('../capture/tunnel.ts')
    const bundleFile = updateBundle(identity)
    const session = await opening
    try {
      const captured = await captureOf(run, { identity, session, key, bundleFile, tunnel })
      return interruptedBy === null ? await capture(captured) : codeOf(interruptedBy)
    } finally {
      await session.close()
    }
  } catch (error) {
    if (interruptedBy !== null) return codeOf(interruptedBy)
    throw error
  } finally {
    http.close()
    for (const signal of setupSignals) process.off(signal, interrupt)
  }
}

interface Prepared {
  readonly identity: Identity
  readonly session: RunSession
  readonly key: KeyPair
  readonly bundleFile: string
  readonly tunnel: typeof import('../capture/tunnel.ts')
}

async function captureOf(run: WrappedRun, prepared: Prepared): Promise<CapturedRun> {
  const { identity, key, bundleFile, tunnel } = prepared
  const { reply } = prepared.session
  const [command, ...args] = run.words
  const endpoint = await resolveEndpoint(reply.endpoint)
  return {
    command,
    args,
    cwd: process.cwd(),
    env: wrappedEnvironment(process.env, { caFile: identity.caFile, bundleFile }, reply.vars),
    tunnel: {
      address4: reply.address,
      address6: reply.address6,
      // what this machine's path to the gateway carries; the gateway's figure is for paths nobody knows
      mtu: tunnel.tunnelMtu(endpoint, reply.mtu),
      dns: reply.dns,
    },
    attach: tunnel.attachTunnel({
      privateKey: key.privateKey,
      serverPublicKey: reply.server_public_key,
      endpoint,
      keepaliveS: reply.keepalive,
    }),
    hide: hiddenDirs(identity.dir, process.env),
    mask: [],
    allow: run.allow,
    keepResolv: process.env.CLAWPATROL_RUN_KEEP_RESOLV === '1',
    waitAll: run.waitAll,
    warn: run.warn,
  }
}

function codeOf(signal: NodeJS.Signals): number {
  return 128 + constants.signals[signal]
}
