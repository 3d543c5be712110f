import type { ActionEvent } from '../../workers/contract/action.ts'
import type { Flow } from '../../workers/contract/flow.ts'
import type { ActionDraft } from '../store/action-writer.ts'
import { draftOf } from './draft.ts'
import type { Redactor } from './redact.ts'

interface Kept {
  readonly draft: ActionDraft
  readonly flow: Flow | null
  readonly redactor: Redactor
}

/** Begins rows; what many actions have in common is redacted and put into words once. */
export class Drafts {
  readonly #kept = new WeakMap<object, Kept>()

  of(opened: Extract<ActionEvent, { kind: 'opened' }>, flow: Flow | null, redactor: Redactor): ActionDraft {
    const { like, action } = opened
    if (like === undefined) return draftOf(opened, flow, redactor)
    const known = this.#kept.get(like)
    // another redactor knows other secrets
    if (known !== undefined && known.flow === flow && known.redactor === redactor) {
      // not in the literal: defining a property anew is slow
      const draft = { ...known.draft }
      draft.id = action.id
      draft.openedAt = action.at
      return draft
    }
    const draft = draftOf(opened, flow, redactor)
    this.#kept.set(like, { draft: { ...draft }, flow, redactor })
    return draft
  }
}
