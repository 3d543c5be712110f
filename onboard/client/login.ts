import { randomBytes } from 'node:crypto'
import { Socket } from 'node:net'
import { ClawError } from '../../workers/contract/errors.ts'
import type { LoginNode, SeenNode } from '../capture/login.ts'
import { describeNode, findGateway } from './find-gateway.ts'
import { parseGatewayUrl } from './gateway-url.ts'
import { type Invitation, type Joined, type JoinRequest, joinGateway } from './join.ts'
import { openRunState, type RunState } from './run-state.ts'
import { type SelfApproval, selfApprove } from './self-approve.ts'

/** What a gateway's node is called unless its configuration says otherwise. */
export const defaultGatewayName = 'clawpatrol-gateway'
const defaultPort = 8080
const dialMs = 10_000

/** What a person asked for who joins with their own account of the tailnet. */
export interface LoginRequest
  extends Pick<JoinRequest, 'dir' | 'hostname' | 'profile' | 'show'>,
    Required<Pick<JoinRequest, 'wholeMachine' | 'signal'>> {
  /** The gateway's name, or its URL inside the tailnet; http and port 8080 where only the name is given. */
  readonly gateway: { readonly name: string } | { readonly url: string }
  /** Empty: the person logs in on a page. */
  readonly authKey: string
  /** Empty: the default service. */
  readonly controlUrl: string
  readonly tell: LoginProgress
}

/** Told what happens on the way. */
export interface LoginProgress {
  /** A page to log in on; may come again with another one. */
  loginUrl(url: string): void
  /** Who this machine is in the tailnet for now, and the gateway it found there. */
  found(self: SeenNode, gateway: string): void
  selfApproval(outcome: SelfApproval, invitation: Invitation): void
}

/**
 * Joins a gateway that only its tailnet reaches: through a node of the person's own account, which is gone afterwards.
 * Operators approve their own join with it.
 * @throws ClawError with one sentence; what an earlier join left stays in use then
 */
export async function joinByLogin(request: LoginRequest): Promise<Joined> {
  const { gateway: wanted, tell, signal } = request
  const asked = 'url' in wanted ? parseGatewayUrl(wanted.url) : null
  const name = 'url' in wanted ? (asked?.host ?? '') : wanted.name
  const state = openRunState()
  let node: LoginNode | null = null
  try {
    node = await openLoginNode(request, state)
    const { dial } = node
    const gateway = findGateway(await node.peers(), name)
    const url = asked?.origin ?? `http://${bracketed(gateway.addresses[0] ?? '')}:${defaultPort}`
    tell.found(node.self, describeNode(gateway))
    return await joinGateway({
      ...request,
      url,
      // what only the tailnet reaches cannot be asked for a WireGuard peer without it
      transport: 'tailscale',
      insecureHttp: false,
      connect: async () => socketOf(await dial(gateway.stableId, portOf(url), dialMs)),
      decide: async (http, invitation) => {
        const outcome = await selfApprove(http, { userCode: invitation.userCode, profile: request.profile })
        tell.selfApproval(outcome, invitation)
        return outcome.kind === 'approved'
      },
      signal,
    })
  } finally {
    await leave(node, state)
  }
}

async function openLoginNode(request: LoginRequest, state: RunState): Promise<LoginNode> {
  const { startLoginNode } = await import('../capture/login.ts')
  return await startLoginNode({
    stateDir: state.dir,
    hostname: `clawpatrol-bootstrap-${randomBytes(4).toString('hex')}`,
    authKey: request.authKey,
    controlUrl: request.controlUrl,
    signal: request.signal,
    onLoginUrl: (text) => {
      // the control server's words go to a terminal
      if (URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)) request.tell.loginUrl(new URL(text).href)
    },
  })
}

/** Never rejects: the join itself is over. */
async function leave(node: LoginNode | null, state: RunState): Promise<void> {
  await node?.logout().catch(() => undefined)
  await node?.close().catch(() => undefined)
  state.remove()
}

function portOf(url: string): number {
  const { port, protocol } = new URL(url)
  if (port !== '') return Number(port)
  return protocol === 'https:' ? 443 : 80
}

function bracketed(address: string): string {
  if (address === '') throw new ClawError('CP_ONBOARD', "The gateway's node has no address in the tailnet")
  return address.includes(':') ? `[${address}]` : address
}

function socketOf(fd: number): Socket {
  return new Socket({ fd, readable: true, writable: true })
}
