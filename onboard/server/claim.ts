import type { JoinRequest } from './join-request.ts'
import type { Enrolment, OnboardPorts, RequestOrigin } from './ports.ts'

/** Who claims: what the request says, and where it came from. */
export interface Claimant {
  /** null: nothing was said. */
  readonly ip: string | null
  readonly origin: RequestOrigin
}

/** Answer to a claim. */
export type Claimed =
  | {
      readonly kind: 'claimed'
      readonly enrolment: Enrolment
      readonly owner: string
      /** Empty: the device has none of its own. */
      readonly address: string
    }
  | { readonly kind: 'conflict' }

/**
 * The address a device may claim. A whole machine of the tailnet must ask from its new node, which it gets here.
 * @returns null when it is not the device's
 */
export function claimedAddress(
  request: JoinRequest,
  enrolment: Enrolment,
  { ip, origin }: Claimant,
  ports: OnboardPorts,
): string | null {
  if (enrolment.transport === 'wireguard')
    return ip === null || ip === enrolment.address4 || ip === enrolment.address6 ? enrolment.address4 : null
  // nodes of runs say themselves whose they are, later
  if (!request.isWholeMachine) return ip === null ? '' : null
  const { reach, node } = origin
  const { tailnet } = ports
  if (reach !== 'tailnet' || node === null || tailnet === undefined || !tailnet.isTaggedByUs(node)) return null
  if (tailnet.deviceOf(node.stableId) !== null || (ip !== null && !node.addresses.includes(ip))) return null
  return tailnet.bindMachine(enrolment.device, node).kind === 'bound' ? (node.addresses[0] ?? '') : null
}
