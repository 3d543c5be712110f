import type { Endpoint } from '../../contract/profile.ts'
import { wantsOf } from './body-wants.ts'
import { bodyText, decodeBody } from './decode-body.ts'
import type { Exchange } from './exchange.ts'
import { emptyBody, type InspectedBody, readableBody, unreadableBody, unreadBody } from './inspected-body.ts'

/** Longest pause of a body under inspection, ms: a stream that waits for its answer would wait for ever. */
const stallMs = 5000

/**
 * Waits for a request's body as far as the endpoint's rules may look at it. What was read still goes upstream.
 * @param maxBytes longest body rules see, before and after decoding
 */
export async function inspectBody(exchange: Exchange, endpoint: Endpoint, maxBytes: number): Promise<InspectedBody> {
  const { body, head } = exchange
  if (body.isEmpty) return emptyBody
  const wants = wantsOf(endpoint)
  if (!wants.body) return unreadBody
  exchange.invite()
  const peeked = await body.peek(maxBytes, stallMs)
  switch (peeked) {
    case 'failed':
      return { kind: 'broken', error: body.error, unknowns: [] }
    case 'truncated':
      return unreadableBody('truncated')
    case 'stalled':
      return unreadableBody('streaming')
    case 'whole': {
      const codings = head.headers.all('content-encoding')
      const decoded = await decodeBody(body.heldPrefix(maxBytes), codings, maxBytes)
      if (decoded.kind === 'unknown') return unreadableBody(decoded.because)
      const text = bodyText(decoded.bytes, head.headers.get('content-type'))
      return text === null ? unreadableBody('undecodable') : readableBody(text, wants.json)
    }
    default:
      return peeked satisfies never
  }
}
