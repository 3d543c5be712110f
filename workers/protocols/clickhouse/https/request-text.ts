import type { Unknown } from '../../../contract/action.ts'
import type { ClawError } from '../../../contract/errors.ts'
import type { BodyWants } from '../../../wire/http/body-wants.ts'
import { bodyText, type Decoded, decodeBody } from '../../../wire/http/decode-body.ts'
import { decodePrefix } from '../../../wire/http/decode-prefix.ts'
import type { Exchange } from '../../../wire/http/exchange.ts'
import {
  emptyBody,
  type InspectedBody,
  readableBody,
  unreadableBody,
  unreadBody,
} from '../../../wire/http/inspected-body.ts'
import { dataLookahead, dataStart } from '../inline-data.ts'
import { type Form, readForm } from './form.ts'
import { utf8 } from './url-parameters.ts'

/** The SQL of a request, and its body as rules see it. */
export type RequestText =
  | { readonly kind: 'text'; readonly text: string; readonly body: InspectedBody }
  /** Not all of it can be read; `text` is what can. */
  | {
      readonly kind: 'unknown'
      readonly because: Unknown['because']
      readonly text: string
      readonly body: InspectedBody
    }
  /** The body broke off before it could be judged. */
  | { readonly kind: 'broken'; readonly error: ClawError | null }

/** What a request says besides its body. */
export interface TextParts {
  /** Value of the parameter `query`, latin1 text that stands for bytes. */
  readonly query: string
  /** Whether the server reads the body as it comes, after its content coding. */
  readonly isPlain: boolean
  readonly wants: BodyWants
  /** Longest body rules see, bytes. */
  readonly maxBytes: number
}

/** Longest pause of a body under inspection, ms. */
const stallMs = 5000
/** Bytes after which it is first looked whether the rest is data. */
const firstBytes = 8192

/**
 * Reads the SQL of a request as the server puts it together: the parameter, a line end, the body. Of an INSERT it waits
 * only for what comes before its data.
 */
export async function readRequestText(exchange: Exchange, parts: TextParts): Promise<RequestText> {
  const { body } = exchange
  const before = parts.query === '' ? '' : `${parts.query}\n`
  if (body.isEmpty) return textOf(before, emptyBody)
  exchange.invite()
  if (!parts.isPlain) return { kind: 'unknown', because: 'undecodable', text: readable(before), body: unreadBody }
  if (!parts.wants.body) {
    const most = Math.min(firstBytes, parts.maxBytes)
    const peeked = await body.peek(most, stallMs)
    if (peeked === 'failed') return { kind: 'broken', error: body.error }
    const start = peeked === 'truncated' ? await startOfData(before, exchange, most) : null
    if (start !== null) return textOf(start, unreadBody)
  }
  return await readWhole(exchange, before, parts)
}

/** The form a request is; null: it cannot be told what is in it. */
export async function readRequestForm({ head, body }: Exchange, maxBytes: number): Promise<Form | null> {
  const { headers, method } = head
  const types = headers.all('content-type')
  // the server reads forms of a POST only, and then takes no coding off
  if (method !== 'POST' || types.length !== 1 || headers.has('content-encoding')) return null
  return (await body.peek(maxBytes, stallMs)) === 'whole' ? readForm(body.heldPrefix(maxBytes), types[0] ?? '') : null
}

async function readWhole(exchange: Exchange, before: string, { wants, maxBytes }: TextParts): Promise<RequestText> {
  const { body, head } = exchange
  const peeked = await body.peek(maxBytes, stallMs)
  if (peeked === 'failed') return { kind: 'broken', error: body.error }
  const decoded: Decoded =
    peeked === 'whole'
      ? await decodeBody(body.heldPrefix(maxBytes), head.headers.all('content-encoding'), maxBytes)
      : { kind: 'unknown', because: peeked === 'stalled' ? 'streaming' : 'truncated' }
  if (decoded.kind === 'unknown') {
    const { because } = decoded
    const start = because === 'undecodable' ? null : await startOfData(before, exchange, maxBytes)
    if (start !== null) return textOf(start, unreadableBody(because))
    return { kind: 'unknown', because, text: readable(before), body: unreadableBody(because) }
  }
  const text = bodyText(decoded.bytes, head.headers.get('content-type'))
  const seen = !wants.body ? unreadBody : text === null ? unreadableBody('undecodable') : readableBody(text, wants.json)
  const all = before + decoded.bytes.toString('latin1')
  const start = dataStart(all)
  return textOf(start === null ? all : all.slice(0, start), seen)
}

/** The text up to where data begins, when so much follows in what is held that it is certain. */
async function startOfData(before: string, { body, head }: Exchange, maxBytes: number): Promise<string | null> {
  const held = body.heldPrefix(maxBytes)
  const [coding] = head.headers.all('content-encoding')
  const bytes = coding === undefined ? held : await decodePrefix(held, coding, maxBytes)
  if (bytes === null) return null
  const text = before + bytes.toString('latin1')
  const start = dataStart(text)
  return start === null || start + dataLookahead > text.length ? null : text.slice(0, start)
}

/** The SQL that bytes are. */
export function textOf(bytes: string, body: InspectedBody): RequestText {
  const text = utf8(bytes)
  return text === null ? { kind: 'unknown', because: 'undecodable', text: '', body } : { kind: 'text', text, body }
}

function readable(bytes: string): string {
  return utf8(bytes) ?? ''
}
