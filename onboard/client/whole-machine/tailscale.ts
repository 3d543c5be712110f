import { setTimeout as wait } from 'node:timers/promises'
import { ClawError } from '../../../workers/contract/errors.ts'
import type { Identity, TailnetIdentity } from '../identity.ts'
import { enableRules } from './boot.ts'
import { needProgram } from './need-program.ts'
import { isIpv6On, reachableAddresses } from './own-addresses.ts'
import { pointResolver } from './resolver.ts'
import { make, newRules, type Place, type RoutingState, type WholeMachine } from './routing.ts'
import { addRule } from './rules.ts'
import { isInTailnet, loginToTailnet, type TailscaleStatus, tailscaleStatus } from './tailnet-login.ts'
import { directRules } from './whole-machine-conf.ts'

const exitNodeMs = 10_000

/** What leads a machine into a tailnet. */
export interface TailscaleRouting {
  readonly identity: Identity & { readonly tailnet: TailnetIdentity }
  /** Tells the gateway, through the tailnet, which of its devices this node is. */
  readonly claim: () => Promise<void>
}

/** Leads all traffic of this machine to the gateway as its exit node, with the machine's own Tailscale. */
export function tailscaleRouting({ identity, claim }: TailscaleRouting, place: Place): WholeMachine {
  const { host } = place
  const { tailnet } = identity
  return {
    check: () => checkTailscale(place),
    async up() {
      const addresses = await reachableAddresses(host)
      const families = isIpv6On() ? ([4, 6] as const) : ([4] as const)
      const { Self: self } = await loginToTailnet(place, { ...tailnet, hostname: nodeName(identity.deviceName) })
      await awaitExitNode(place, tailnet.gatewayIp)
      await claim()
      // before the exit node is set: the connection this is typed over must live
      const rules = await newRules(host, directRules({ addresses, gateways: [], families }))
      for (const rule of rules) await make(place, rule, () => addRule(host, rule))
      await enableRules(place, rules)
      const exit = ['tailscale', 'set', `--exit-node=${tailnet.gatewayIp}`]
      await make(place, { kind: 'exit-node', node: self?.ID ?? null }, () => host.asRoot(exit))
      await pointResolver(place, [tailnet.gatewayIp])
    },
    state: () => stateOf(place, tailnet.gatewayIp),
  }
}

async function checkTailscale({ host }: Place): Promise<void> {
  needProgram('tailscale', 'tailscale', 'see tailscale.com/download/linux')
  needProgram('ip', 'iproute2')
  if (isInTailnet(await tailscaleStatus(host)))
    throw new ClawError('CP_ONBOARD', "This machine's Tailscale is in a tailnet already", {
      hint: 'log it out first: sudo tailscale logout; or join without --whole-machine',
    })
}

async function awaitExitNode({ host }: Place, gatewayIp: string): Promise<TailscaleStatus> {
  const deadline = performance.now() + exitNodeMs
  for (;;) {
    const status = await tailscaleStatus(host)
    const gateway = Object.values(status.Peer ?? {}).find((peer) => peer.TailscaleIPs?.includes(gatewayIp) === true)
    if (gateway?.ExitNodeOption === true) return status
    if (performance.now() > deadline)
      throw gateway === undefined
        ? new ClawError('CP_ONBOARD', `The tailnet does not show this machine its gateway ${gatewayIp}`, {
            hint: "the tailnet's access rules must let this machine's tag reach the gateway",
          })
        : new ClawError('CP_ONBOARD', `The gateway ${gatewayIp} is not approved as an exit node`, {
            hint: 'its operator approves it in the admin console of the tailnet, or in autoApprovers',
          })
    await wait(200)
  }
}

async function stateOf({ host }: Place, gatewayIp: string): Promise<RoutingState> {
  const status = await tailscaleStatus(host)
  if (status.BackendState !== 'Running') return { kind: 'down', why: `Tailscale is ${status.BackendState}` }
  const exit = status.ExitNodeStatus
  if (exit?.TailscaleIPs?.some((each) => each.split('/')[0] === gatewayIp) !== true)
    return { kind: 'down', why: 'the gateway is not the exit node' }
  if (exit.Online !== true) return { kind: 'down', why: 'the gateway is offline' }
  return { kind: 'up', how: `Tailscale, exit node ${gatewayIp}` }
}

/** A name as a DNS label. */
function nodeName(deviceName: string): string {
  const label = deviceName
    .toLowerCase()
    .replace(/[^a-z0-9-]+/g, '-')
    .replace(/^-+/, '')
    .slice(0, 63)
    .replace(/-+$/, '')
  return label === '' ? 'device' : label
}
