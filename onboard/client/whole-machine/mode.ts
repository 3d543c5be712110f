import { homedir } from 'node:os'
import { ClawError } from '../../../workers/contract/errors.ts'
import type { Transport } from '../../protocol.ts'
import type { GatewayUrl } from '../gateway-url.ts'
import { type Identity, loadIdentity, type TailnetIdentity } from '../identity.ts'
import { readJournal } from '../journal.ts'
import { claimNode } from './claim-node.ts'
import { type Host, thisHost } from './host.ts'
import { clearMarker, setMarker } from './marker.ts'
import { needProgram } from './need-program.ts'
import { isThisMachine } from './own-addresses.ts'
import type { Place, RoutingState, RoutingUp, WholeMachine } from './routing.ts'
import { addShellLines } from './shell-rc.ts'
import { tailscaleRouting } from './tailscale.ts'
import { isRouting, type Undone, undoChanges } from './undo.ts'
import { wireguardRouting } from './wireguard.ts'

/** The machine and the user it is done for; tests have their own. */
export interface Surroundings {
  readonly host: Host
  readonly home: string
  /** Tells the gateway, through the tailnet, which of its devices this machine's node is. */
  readonly claim: Claim
}

type Claim = (token: string, tailnet: TailnetIdentity) => Promise<void>

const here = (): Surroundings => ({ host: thisHost, home: process.env.HOME ?? homedir(), claim: claimNode })

/**
 * Says early what will keep the machine from being routed as a whole: nobody should approve a join that cannot work.
 * @throws ClawError CP_ONBOARD with what to do
 */
export async function checkGatewayIsElsewhere(url: GatewayUrl): Promise<void> {
  if (process.platform !== 'linux')
    throw new ClawError('CP_ONBOARD', 'Only Linux machines can be routed as a whole', {
      hint: 'join without --whole-machine and use clawpatrol run',
    })
  if (await isThisMachine(url.host))
    throw new ClawError(
      'CP_ONBOARD',
      `The gateway ${url.origin} is on this machine: its own traffic would go in circles`,
      {
        hint: 'join without --whole-machine and use clawpatrol run',
      },
    )
}

/** Says early which program is missing. @throws ClawError CP_ONBOARD */
export function checkTransport(transport: Transport): void {
  if (transport === 'wireguard') needProgram('wg-quick', 'wireguard-tools')
  else needProgram('tailscale', 'tailscale', 'see tailscale.com/download/linux')
}

/** Leads all traffic of this machine to the gateway it joined. What fails half-way is taken back. @throws ClawError */
export async function routeWholeMachine(dir: string, { host, home, claim }: Surroundings = here()): Promise<RoutingUp> {
  const identity = loadIdentity(dir)
  const machine = routingOf(identity, { dir, host }, claim)
  await machine.check()
  try {
    await machine.up()
    const state = await machine.state()
    if (state.kind === 'down')
      throw new ClawError('CP_ONBOARD', `Cannot route this machine through the gateway: ${state.why}`)
    addShellLines(dir, home)
    setMarker(dir)
    return state
  } catch (error) {
    await unrouteWholeMachine(dir, host)
    throw error
  }
}

/**
 * Ends whole-machine routing, also one that was cut off. The marker goes first, at once: `run` must not go on to trust
 * routing that is being taken down.
 */
export async function unrouteWholeMachine(dir: string, host: Host = thisHost): Promise<readonly Undone[]> {
  clearMarker(dir)
  return readJournal(dir).some(isRouting) ? await undoChanges(dir, host, isRouting) : []
}

/**
 * Ends whole-machine routing before a machine joins again, in whatever mode: through the old tunnel the gateway may be
 * out of reach, and two modes at once are none.
 * @throws ClawError CP_ONBOARD when a change cannot be taken back
 */
export async function undoFormerRouting(dir: string, host: Host = thisHost): Promise<void> {
  const undone = await unrouteWholeMachine(dir, host)
  if (!readJournal(dir).some(isRouting)) return
  const failed = undone.find(({ left }) => left !== null)
  throw new ClawError(
    'CP_ONBOARD',
    `Cannot undo an earlier join: ${failed?.label ?? 'its journal'}: ${failed?.left ?? ''}`,
    {
      hint: 'run clawpatrol uninstall, which shows every step',
    },
  )
}

/** What whole-machine routing does now. */
export async function routingState(identity: Identity, host: Host = thisHost): Promise<RoutingState> {
  return await routingOf(identity, { dir: identity.dir, host }).state()
}

function routingOf(identity: Identity, place: Place, claim: Claim = claimNode): WholeMachine {
  const { tailnet } = identity
  if (tailnet === null) return wireguardRouting(identity, place)
  return tailscaleRouting({ identity: { ...identity, tailnet }, claim: () => claim(identity.token, tailnet) }, place)
}
