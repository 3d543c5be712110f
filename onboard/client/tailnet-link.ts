import { randomBytes, randomUUID } from 'node:crypto'
import { Socket } from 'node:net'
import type { TailnetNode } from '../capture/tailnet.ts'
import type { PushedVariable } from '../protocol.ts'
import { type GatewayHttp, jsonOf } from './gateway-http.ts'
import type { TailnetMember } from './identity.ts'
import { renewAuthKey } from './renew-auth-key.ts'
import type { RunLink, RunName } from './run-link.ts'
import { openRunState, type RunState } from './run-state.ts'
import { refused, variablesOf } from './session.ts'
import { type TailnetDialer, tailnetHttp } from './tailnet-http.ts'

const registerMs = 15_000
const endMs = 3000
/** Largest packet of a tailnet, bytes. */
const tailnetMtu = 1280

/** Makes this run a node of the tailnet and tells the gateway whose it is. @throws ClawError when it cannot be had */
export async function openTailnetLink(identity: TailnetMember, { name, signal }: RunName): Promise<RunLink> {
  const node = await openNode(identity, signal)
  const { dns, variables, close } = await enrolRun(identity, node, { name, signal })
  return {
    tunnel: { address4: node.address4, address6: node.address6, mtu: tailnetMtu, dns },
    variables,
    hide: [{ dir: node.stateDir, keep: [] }],
    attach: async (tunFd) => {
      await node.attach(tunFd)
      // the node outlives the command: through it the gateway is told that the run is over
      return { close: () => Promise.resolve() }
    },
    close,
  }
}

/** A run that the gateway knows by its node. */
export interface EnrolledRun {
  readonly dns: readonly string[]
  readonly variables: readonly PushedVariable[]
  /** Tells the gateway that the run is over, and closes the node; never rejects. */
  close(): Promise<void>
}

/**
 * Tells the gateway whose run a node is.
 * @param node closed with the run, or at once when the gateway refuses it
 * @throws ClawError saying why it does
 */
export async function enrolRun(
  identity: TailnetMember,
  node: TailnetDialer & Pick<OwnNode, 'close'>,
  { name, signal }: RunName,
): Promise<EnrolledRun> {
  const run = randomUUID()
  try {
    const { http, reply } = await register(identity, node, { run, name, signal })
    return {
      dns: dnsOf(reply, identity),
      variables: variablesOf(reply.vars),
      async close() {
        await renewAuthKey(identity, http, reply).catch(() => undefined)
        const ask = { method: 'DELETE', path: `/api/sessions/${run}`, token: identity.token, timeoutMs: endMs } as const
        // again over a new connection: the kept one may have been closed just as it was used
        await http
          .ask(ask)
          .catch(() => http.ask(ask))
          .catch(() => undefined)
        http.close()
        await node.close()
      },
    }
  } catch (error) {
    await node.close()
    throw error
  }
}

/** A node of the tailnet that this process owns, and the directory of its state. */
export interface OwnNode extends TailnetDialer, Pick<TailnetNode, 'address4' | 'address6' | 'attach'> {
  readonly stateDir: string
  /** Leaves the tailnet and removes the state; never rejects. */
  close(): Promise<void>
}

/** Joins the tailnet as a node that is gone when it is closed. @throws ClawError saying what keeps it out */
export async function openNode({ tailnet, deviceName }: TailnetMember, signal: AbortSignal): Promise<OwnNode> {
  const state = openRunState()
  const { startTailnetNode } = await import('../capture/tailnet.ts')
  try {
    const node = await startTailnetNode({
      stateDir: state.dir,
      hostname: nodeName(deviceName),
      authKey: tailnet.authKey,
      controlUrl: tailnet.controlUrl,
      exitNode: tailnet.gatewayIp,
      signal,
    })
    return {
      stateDir: state.dir,
      address4: node.address4,
      address6: node.address6,
      attach: (tunFd) => node.attach(tunFd),
      connect: async (to, timeoutMs) =>
        new Socket({ fd: await node.dial(to, timeoutMs), readable: true, writable: true }),
      close: () => leave(node, state),
    }
  } catch (error) {
    state.remove()
    throw error
  }
}

async function leave(node: TailnetNode, state: RunState): Promise<void> {
  await node.logout().catch(() => undefined)
  await node.close().catch(() => undefined)
  state.remove()
}

/** A name of this run alone, as a DNS label. */
export function nodeName(deviceName: string): string {
  const label = deviceName
    .toLowerCase()
    .replace(/[^a-z0-9-]+/g, '-')
    .replace(/^-+/, '')
    .slice(0, 40)
  return `${label === '' ? 'device' : label}-run-${randomBytes(3).toString('hex')}`
}

interface Registration {
  readonly http: GatewayHttp
  readonly reply: { readonly [field: string]: unknown }
}

async function register(
  identity: TailnetMember,
  node: TailnetDialer,
  request: RunName & { readonly run: string },
): Promise<Registration> {
  const http = await tailnetHttp(identity.tailnet, node)
  try {
    const answer = await http.ask({
      method: 'POST',
      path: '/api/peer/tsnet/register',
      token: identity.token,
      body: { run_id: request.run, name: request.name },
      timeoutMs: registerMs,
      signal: request.signal,
    })
    const reply = answer.status === 200 ? jsonOf(answer) : null
    if (reply === null) throw refused(answer)
    return { http, reply }
  } catch (error) {
    http.close()
    throw error
  }
}

function dnsOf(reply: Registration['reply'], { tailnet }: TailnetMember): readonly string[] {
  const { dns } = reply
  const given = Array.isArray(dns) ? dns.filter((each): each is string => typeof each === 'string') : []
  return given.length > 0 ? given : [tailnet.gatewayIp]
}
