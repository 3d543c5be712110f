import type { Action } from './action.ts'
import type { DescribedAction } from './described.ts'
import type { Endpoint, Limits } from './profile.ts'

/** What rules are told of an action that is only described: the same as live traffic would give. */
export interface OfflineSeen extends Pick<Action, 'title' | 'facts' | 'unknowns'> {
  /** The credential live traffic would choose for it, unless the description names one. */
  readonly credential: Action['credential']
  readonly pending?: readonly string[]
}

/**
 * Turns described actions into what rules see, with the decoder of the live traffic; loaded with what it needs.
 * Several entries: parts that are judged one after the other, such as the statements of one SQL text.
 * @throws ClawError CP_CONFIG when the description contradicts itself or is of another family
 */
export type OfflineDecoder = (described: DescribedAction, endpoint: Endpoint, limits: Limits) => readonly OfflineSeen[]
