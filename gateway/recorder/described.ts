import { type DescribedAction, maxDescribed } from '../../workers/contract/described.ts'
import type { Redactor } from './redact.ts'

/**
 * A description as it is stored: known secrets taken out, and bounded by leaving out what is long: the body (the
 * sample has it), then the headers. null: nothing of use would be left.
 * @param described JSON text of a `DescribedAction`
 */
export function keptDescription(described: string, redactor: Redactor): string | null {
  const clean = redactor.text(described)
  if (clean.length <= maxDescribed && clean === described) return clean
  const action = parsed(clean)
  if (action === null) return null
  if (clean.length <= maxDescribed) return clean
  for (const shorter of [withoutBody(action), withoutHeaders(action)]) {
    const text = JSON.stringify(shorter)
    if (text.length <= maxDescribed) return text
  }
  return null
}

/** A secret with quotes in it may fit the punctuation of the text: what is left is then no JSON. */
function parsed(text: string): DescribedAction | null {
  try {
    return JSON.parse(text) as DescribedAction
  } catch {
    return null
  }
}

function withoutBody({ http, ...action }: DescribedAction): DescribedAction {
  if (http === undefined) return action
  const { body: _, body_b64: __, ...rest } = http
  return { ...action, http: rest }
}

function withoutHeaders(action: DescribedAction): DescribedAction {
  const { http, ...rest } = withoutBody(action)
  if (http === undefined) return rest
  const { headers: _, ...shorter } = http
  return { ...rest, http: shorter }
}
