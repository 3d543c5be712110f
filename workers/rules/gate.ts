import { ClawError } from '../contract/errors.ts'
import type { ActionId } from '../contract/ids.ts'
import type { Deny, Granted, Permit, Ruling } from '../contract/verdict.ts'

/** Only this file makes one; what counts is the private field, which nothing else can have. */
class MadePermit {
  readonly action: ActionId
  #isRedeemed = false

  constructor(action: ActionId) {
    this.action = action
    Object.freeze(this)
  }

  static use(permit: unknown, action: ActionId): void {
    const isMade = typeof permit === 'object' && permit !== null && #isRedeemed in permit
    if (!isMade || permit.#isRedeemed) {
      const state = isMade ? 'it was redeemed before' : 'it was not made by the gate'
      throw new ClawError('CP_FORBIDDEN', `Cannot send action "${action}" with this permit: ${state}`)
    }
    if (permit.action !== action)
      throw new ClawError('CP_FORBIDDEN', `Cannot send action "${action}" with a permit for action "${permit.action}"`)
    permit.#isRedeemed = true
  }
}

// a permit must not lead to what makes another
Reflect.deleteProperty(MadePermit.prototype, 'constructor')

/** Turns a ruling into leave to send the action upstream, once. A deny stays a deny. */
export function gate(action: ActionId, ruling: Ruling): Deny | Granted {
  switch (ruling.kind) {
    case 'deny':
      return ruling
    case 'allow': {
      const { kind, decider, limits } = ruling
      const permit = new MadePermit(action) as unknown as Permit
      return limits === undefined ? { kind, decider, permit } : { kind, decider, limits, permit }
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
  MadePermit.use(permit, action)
}
