import { connectExtension, type ExtensionTunnel, type Registration } from '../capture/darwin/extension.ts'
import type { PushedVariable } from '../protocol.ts'
import { resolveEndpoint } from './endpoint.ts'
import { gatewayHttp } from './gateway-http.ts'
import type { Identity, TailnetMember } from './identity.ts'
import type { RunName } from './run-link.ts'
import { openSession } from './session.ts'
import type { TailnetDialer } from './tailnet-http.ts'
import { enrolRun, nodeName } from './tailnet-link.ts'
import { newKeyPair } from './wireguard-key.ts'

/** The way of one run into its gateway where an extension of the system captures, as on macOS. */
export interface ExtensionLink {
  readonly variables: readonly PushedVariable[]
  /** Has the flows of a child of this process go into the tunnel. */
  register(pid: number): Promise<Registration>
  /** Resolves when the extension is gone although nobody closed this. */
  readonly lost: Promise<void>
  /** Gives back what the extension, the gateway and the network hold for the run; never rejects. */
  close(): Promise<void>
}

/** Has the extension make a tunnel of this run's own. @throws ClawError when it cannot be had */
export async function openExtensionLink(identity: Identity, name: RunName): Promise<ExtensionLink> {
  const { tailnet } = identity
  if (tailnet === null) return await overWireguard(identity, name)
  const member = { ...identity, tailnet }
  const node = await openExtensionNode(member, name.signal)
  const { variables, close } = await enrolRun(member, node, name)
  return { variables, register: (pid) => node.register(pid), lost: node.lost, close }
}

/** A node of the tailnet that the extension runs for this process. */
export interface ExtensionNode extends TailnetDialer, Pick<ExtensionTunnel, 'register'> {
  readonly lost: Promise<void>
  /** Leaves the tailnet; never rejects. */
  close(): Promise<void>
}

/** Joins the tailnet as a node that is gone when it is closed. @throws ClawError saying what keeps it out */
export async function openExtensionNode(
  { tailnet, deviceName }: TailnetMember,
  signal: AbortSignal,
): Promise<ExtensionNode> {
  const { authKey, controlUrl, gatewayIp } = tailnet
  const extension = await connectExtension({ signal })
  try {
    const settings = { kind: 'tailnet', authKey, controlUrl, gatewayIp, hostname: nodeName(deviceName) } as const
    const tunnel = await extension.start(settings)
    return {
      register: (pid) => tunnel.register(pid),
      connect: (to, timeoutMs) => tunnel.connect(to, timeoutMs),
      lost: extension.lost,
      async close() {
        await tunnel.stop().catch(() => undefined)
        extension.close()
      },
    }
  } catch (error) {
    extension.close()
    throw error
  }
}

async function overWireguard(identity: Identity, { name, signal }: RunName): Promise<ExtensionLink> {
  // first: without it there is nothing to ask the gateway for
  const extension = await connectExtension({ signal })
  const http = await gatewayHttp(identity.gateway)
  const leave = () => {
    http.close()
    extension.close()
  }
  try {
    const key = newKeyPair()
    const session = await openSession(http, identity, { publicKey: key.publicKey, name, signal })
    const { reply } = session
    try {
      const tunnel = await extension.start({
        kind: 'wireguard',
        privateKey: key.privateKey,
        serverPublicKey: reply.server_public_key,
        endpoint: await resolveEndpoint(reply.endpoint),
        address4: reply.address,
        address6: reply.address6,
        mtu: reply.mtu,
        dns: reply.dns,
        keepaliveS: reply.keepalive,
      })
      return {
        variables: reply.vars,
        register: (pid) => tunnel.register(pid),
        lost: extension.lost,
        async close() {
          await tunnel.stop().catch(() => undefined)
          await session.close()
          leave()
        },
      }
    } catch (error) {
      await session.close()
      throw error
    }
  } catch (error) {
    leave()
    throw error
  }
}
