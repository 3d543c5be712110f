import type { Unknown } from '../../contract/action.ts'
import type { ClawError } from '../../contract/errors.ts'
import type { Endpoint } from '../../contract/profile.ts'
import type { Exchange } from '../../wire/http/exchange.ts'
import { bodyText, decodeBody } from './decode-body.ts'
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

/** Longest pause of a body under inspection, ms: a stream that waits for its answer would wait for ever. */
const stallMs = 5000

const known: readonly Unknown[] = []
const unread: InspectedBody = { kind: 'unread', unknowns: known }
const empty: InspectedBody = { kind: 'read', text: '', json: () => ({}), unknowns: known }

interface Wants {
  readonly body: boolean
  readonly json: boolean
}

const wantsOf = new WeakMap<Endpoint, Wants>()

/**
 * Waits for a request's body as far as the endpoint's rules may look at it. What was read still goes upstream.
 * @param maxBytes longest body rules see, before and after decoding
 */
export async function inspectBody(exchange: Exchange, endpoint: Endpoint, maxBytes: number): Promise<InspectedBody> {
  const { body, head } = exchange
  if (body.isEmpty) return empty
  const wants = wantsOfRules(endpoint)
  if (!wants.body) return unread
  exchange.invite()
  const peeked = await body.peek(maxBytes, stallMs)
  switch (peeked) {
    case 'failed':
      return { kind: 'broken', error: body.error, unknowns: known }
    case 'truncated':
      return unreadable('truncated')
    case 'stalled':
      return unreadable('streaming')
    case 'whole': {
      const codings = head.headers.all('content-encoding')
      const decoded = await decodeBody(body.heldPrefix(maxBytes), codings, maxBytes)
      if (decoded.kind === 'unknown') return unreadable(decoded.because)
      const text = bodyText(decoded.bytes, head.headers.get('content-type'))
      return text === null ? unreadable('undecodable') : readable(text, wants.json)
    }
    default:
      return peeked satisfies never
  }
}

function readable(text: string, wantsJson: boolean): InspectedBody {
  if (text === '') return empty
  const json = wantsJson ? parseJson(text) : null
  if (json?.kind === 'unreadable')
    return { kind: 'read', text, json: () => ({}), unknowns: [{ path: 'http.body_json', because: 'unparsed' }] }
  return { kind: 'read', text, json: () => jsonValue(json ?? parseJson(text)), unknowns: known }
}

function jsonValue(json: ReturnType<typeof parseJson>): unknown {
  if (json.kind === 'unreadable') throw new Error('the body is not JSON')
  return json.value
}

function unreadable(because: Unknown['because']): InspectedBody {
  const unknowns = ['http.body', 'http.body_json'].map((path) => ({ path, because }))
  return { kind: 'read', text: '', json: () => ({}), unknowns }
}

/** By their text: a rule that reads it in a way not foreseen here gets an error, and denies. */
function wantsOfRules(endpoint: Endpoint): Wants {
  const found = wantsOf.get(endpoint)
  if (found !== undefined) return found
  const conditions = endpoint.rules.map(({ when }) => when ?? '')
  const wants = {
    body: conditions.some((when) => when.includes('body')),
    json: conditions.some((when) => when.includes('body_json')),
  }
  wantsOf.set(endpoint, wants)
  return wants
}
