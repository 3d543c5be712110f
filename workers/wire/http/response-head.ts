import { type BadMessage, bad, hasStrayBytes, maxHeadBytes, parseHeaderLines } from './head-lines.ts'
import { type HeaderList, listItems } from './header-list.ts'
import type { Framing } from './request-head.ts'

/** One response head, informational ones included, whichever version carried it. */
export interface ResponseHead {
  readonly kind: 'response'
  readonly status: number
  readonly reason: string
  readonly headers: HeaderList
  readonly framing: Framing
  readonly isPersistent: boolean
}

const statusLine = /^HTTP\/1\.([01]) ([1-5]\d\d)(?: ([\t\x20-\x7e\x80-\xff]*))?$/

/**
 * Reads an HTTP/1.x response head; what frames the body must be unambiguous.
 * @param bytes the head with its empty line, nothing after it
 * @param method of the request it answers
 * @see RFC 9112 sections 4 and 6.3
 */
export function parseResponseHead(bytes: Buffer, method: string): ResponseHead | BadMessage {
  if (bytes.length > maxHeadBytes) return bad(431, `head of more than ${maxHeadBytes} bytes`)
  const head = bytes.toString('latin1')
  if (hasStrayBytes(head)) return bad(400, 'a control character, or a line that does not end in CR LF')
  const lineEnd = head.indexOf('\r\n')
  const line = statusLine.exec(head.slice(0, lineEnd))
  if (line === null) return bad(400, 'the status line is not HTTP/1.1 STATUS REASON')
  const headers = parseHeaderLines(head, lineEnd + 2)
  if ('kind' in headers) return headers
  const status = Number(line[2])
  const framing = responseFraming(headers, status, method)
  if (framing.kind === 'bad') return framing
  const asked = headers.has('connection') ? listItems(headers.all('connection')) : []
  const isPersistent = line[1] === '1' ? !asked.includes('close') : asked.includes('keep-alive')
  return {
    kind: 'response',
    status,
    reason: line[3] ?? '',
    headers,
    framing,
    isPersistent: isPersistent && framing.kind !== 'until_close',
  }
}

/** Whether a response to that method has no body whatever its headers say. */
export function isBodyless(status: number, method: string): boolean {
  return method === 'HEAD' || status < 200 || status === 204 || status === 304
}

function responseFraming(headers: HeaderList, status: number, method: string): Framing | BadMessage {
  const codings = headers.all('transfer-encoding')
  const lengths = headers.all('content-length')
  if (codings.length > 0 && lengths.length > 0) return bad(400, 'both Content-Length and Transfer-Encoding')
  if (lengths.some((value) => !/^\d{1,15}$/.test(value))) return bad(400, 'Content-Length is not a number')
  if (new Set(lengths).size > 1) return bad(400, 'two different Content-Length headers')
  if (isBodyless(status, method)) return { kind: 'none' }
  if (codings.length > 0) {
    if (codings.length > 1 || codings[0]?.toLowerCase() !== 'chunked')
      return bad(501, 'a Transfer-Encoding but chunked')
    return { kind: 'chunked' }
  }
  if (lengths.length === 0) return { kind: 'until_close' }
  const bytes = Number(lengths[0])
  return bytes === 0 ? { kind: 'none' } : { kind: 'length', bytes }
}
