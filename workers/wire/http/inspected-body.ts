import type { Unknown } from '../../contract/action.ts'
import type { ClawError } from '../../contract/errors.ts'
import { parseJson } from './parse-json.ts'

/** A body as rules see it. */
export type InspectedBody =
  /** No rule of the endpoint reads it: it was not waited for. */
  | { readonly kind: 'unread'; readonly unknowns: readonly Unknown[] }
  | {
      readonly kind: 'read'
      readonly text: string
      readonly json: () => unknown
      readonly unknowns: readonly Unknown[]
    }
  /** It broke off before it could be judged. */
  | { readonly kind: 'broken'; readonly error: ClawError | null; readonly unknowns: readonly Unknown[] }

const known: readonly Unknown[] = []

export const unreadBody: InspectedBody = { kind: 'unread', unknowns: known }
export const emptyBody: InspectedBody = { kind: 'read', text: '', json: () => ({}), unknowns: known }

/**
 * A body that was read to its end.
 * @param wantsJson whether a rule asks for it as JSON: text that is none makes `http.body_json` unknown
 */
export function readableBody(text: string, wantsJson: boolean): InspectedBody {
  if (text === '') return emptyBody
  const json = wantsJson ? parseJson(text) : null
  if (json?.kind === 'unreadable')
    return { kind: 'read', text, json: () => ({}), unknowns: [{ path: 'http.body_json', because: 'unparsed' }] }
  return { kind: 'read', text, json: () => jsonValue(json ?? parseJson(text)), unknowns: known }
}

/** A body of which rules may know nothing. */
export function unreadableBody(because: Unknown['because']): InspectedBody {
  const unknowns = ['http.body', 'http.body_json'].map((path) => ({ path, because }))
  return { kind: 'read', text: '', json: () => ({}), unknowns }
}

function jsonValue(json: ReturnType<typeof parseJson>): unknown {
  if (json.kind === 'unreadable') throw new Error('the body is not JSON')
  return json.value
}
