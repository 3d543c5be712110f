import { homedir } from 'node:os'
import { basename, join } from 'node:path'
import { updateBundle } from './bundle.ts'
import { resolveEndpoint } from './endpoint.ts'
import { wrappedEnvironment } from './environment.ts'
import { gatewayHttp } from './gateway-http.ts'
import { type Identity, identityFiles } from './identity.ts'
import { openSession } from './session.ts'
import { newKeyPair } from './wireguard-key.ts'

const setupSignals = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const

/**
 * Runs a command with all its traffic in a tunnel of its own.
 * @returns the command's exit code, 128 + signal when it died of one
 * @throws ClawError when the tunnel cannot be had: the command is never run without it
 */
export async function runWrapped(identity: Identity, words: readonly [string, ...string[]]): Promise<number> {
  const [command, ...args] = words
  // the helper and the addon load while the gateway answers
  const loading = loadCapture()
  loading.catch(() => undefined)
  const stop = new AbortController()
  const interrupt = () => stop.abort()
  for (const signal of setupSignals) process.on(signal, interrupt)
  const key = newKeyPair()
  const http = await gatewayHttp(identity.gateway)
  try {
    const name = basename(command).slice(0, 128)
    const opening = openSession(http, identity, { publicKey: key.publicKey, name, signal: stop.signal })
    const bundleFile = updateBundle(identity)
    const session = await opening
    try {
      const { capture, attachTunnel } = await loading
      const { reply } = session
      stop.signal.throwIfAborted()
      return await capture({
        command,
        args,
        cwd: process.cwd(),
        env: wrappedEnvironment(process.env, { caFile: identity.caFile, bundleFile }, reply.vars),
        tunnel: { address4: reply.address, address6: reply.address6, mtu: reply.mtu, dns: reply.dns },
        attach: attachTunnel({
          privateKey: key.privateKey,
          serverPublicKey: reply.server_public_key,
          endpoint: await resolveEndpoint(reply.endpoint),
          mtu: reply.mtu,
          keepaliveS: reply.keepalive,
        }),
        hide: hiddenDirs(identity),
        mask: [],
      })
    } finally {
      await session.close()
    }
  } finally {
    http.close()
    for (const signal of setupSignals) process.off(signal, interrupt)
  }
}

async function loadCapture() {
  const [{ capture }, { attachTunnel }] = await Promise.all([
    import('../capture/capture.ts'),
    import('../capture/tunnel.ts'),
  ])
  return { capture, attachTunnel }
}

/** What the command must not see: the join's secrets, and a gateway's state when one lives on this machine. */
function hiddenDirs(identity: Identity): readonly { readonly dir: string; readonly keep: string[] }[] {
  const own = { dir: identity.dir, keep: [identityFiles.ca, identityFiles.bundle] }
  const states = [process.env.CLAWPATROL_STATE, join(process.env.HOME ?? homedir(), '.clawpatrol')]
  const others = [...new Set(states)].filter((dir) => dir !== undefined && dir !== '' && dir !== identity.dir)
  return [own, ...others.map((dir) => ({ dir: dir ?? '', keep: [] }))]
}
