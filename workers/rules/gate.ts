import { ClawError } from '../contract/errors.ts'
import type { ActionId } from '../contract/ids.ts'
import type { Deny, Granted, Permit, Ruling } from '../contract/verdict.ts'

/** Permits made and not redeemed, with the action each is for. */
const open = new WeakMap<Permit, ActionId>()
const redeemed = new WeakSet<Permit>()

/** Turns a ruling into leave to send the action upstream, once. A deny stays a deny. */
export function gate(action: ActionId, ruling: Ruling): Deny | Granted {
  switch (ruling.kind) {
    case 'deny':
      return ruling
    case 'allow': {
      // the one cast that makes a permit; what counts is that `open` knows the object
      const permit = Object.freeze({ action }) as Permit
      open.set(permit, action)
      return { ...ruling, permit }
    }
    default:
      return ruling satisfies never
  }
}

/**
 * Uses up a permit just before the first byte of its action goes upstream.
 * @throws ClawError CP_FORBIDDEN when it was used before, is for another action, or was not made by `gate`
 */
export function redeem(permit: Permit, action: ActionId): void {
  const made = open.get(permit)
  if (made === undefined) {
    const state = redeemed.has(permit) ? 'it was redeemed before' : 'it was not made by the gate'
    throw new ClawError('CP_FORBIDDEN', `Cannot send action "${action}" with this permit: ${state}`)
  }
  if (made !== action) {
    throw new ClawError('CP_FORBIDDEN', `Cannot send action "${action}" with a permit for action "${made}"`)
  }
  open.delete(permit)
  redeemed.add(permit)
}
