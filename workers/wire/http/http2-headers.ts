import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http2'
import { type BadMessage, bad } from './head-lines.ts'
import { HeaderList, headerName, isFieldValue } from './header-list.ts'
import type { RequestHead } from './request-head.ts'
import { isBodyless, type ResponseHead } from './response-head.ts'

/** Fields that belong to an HTTP/1.1 connection. HTTP/2 forbids them. */
const connectionFields = new Set([
  'connection',
  'http2-settings',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
])
/** Fields node:http2 sends once only. */
const singleFields = new Set([
  'age',
  'authorization',
  'content-encoding',
  'content-language',
  'content-length',
  'content-location',
  'content-md5',
  'content-range',
  'content-type',
  'date',
  'etag',
  'expires',
  'from',
  'host',
  'if-match',
  'if-modified-since',
  'if-none-match',
  'if-range',
  'if-unmodified-since',
  'last-modified',
  'location',
  'max-forwards',
  'proxy-authorization',
  'range',
  'referer',
  'retry-after',
  'tk',
  'user-agent',
  'x-content-type-options',
  'access-control-allow-credentials',
  'access-control-max-age',
  'access-control-request-method',
  'dnt',
  'upgrade-insecure-requests',
])
const targetPattern = /^(?:\/[\x21-\x22\x24-\x7e\x80-\xff]*|\*)$/
const authorityPattern = /^(?:[a-z0-9._-]{1,255}|\[[0-9a-f:.]{2,45}\])(?::\d{1,5})?$/

/**
 * Checks a request's HTTP/2 header block so that it means the same when it goes on as HTTP/1.1.
 * @param raw names and values one after the other, as received
 * @param isWhole whether the block ended the stream
 * @see RFC 9113 sections 8.2 and 8.3
 */
export function readHttp2Request(raw: readonly string[], isWhole: boolean): RequestHead | BadMessage {
  const split = splitPseudo(raw, [':method', ':scheme', ':authority', ':path'])
  if ('kind' in split) return split
  const { pseudo, headers } = split
  const method = pseudo.get(':method') ?? ''
  const target = pseudo.get(':path') ?? ''
  const hosts = headers.all('host')
  const authority = (pseudo.get(':authority') ?? hosts[0] ?? '').toLowerCase()
  if (headerName(method) === null || method.length > 64) return bad(400, ':method is not a token')
  if (method === 'CONNECT') return bad(405, 'CONNECT inside an intercepted connection')
  if (pseudo.get(':scheme') !== 'https') return bad(400, ':scheme is not https')
  if (!targetPattern.test(target) || (target === '*' && method !== 'OPTIONS')) return bad(400, ':path is not a path')
  if (!authorityPattern.test(authority)) return bad(400, ':authority is not a host name')
  if (hosts.some((host) => host.toLowerCase() !== authority)) return bad(400, 'Host and :authority differ')
  const lengths = headers.all('content-length')
  if (lengths.length > 1 || lengths.some((value) => !/^\d{1,15}$/.test(value)))
    return bad(400, 'Content-Length is not a number')
  const bytes = Number(lengths[0] ?? 0)
  if (isWhole && bytes > 0) return bad(400, 'Content-Length without a body')
  return {
    kind: 'request',
    version: '2',
    method,
    target,
    authority,
    headers,
    framing: isWhole ? { kind: 'none' } : lengths.length > 0 ? { kind: 'length', bytes } : { kind: 'chunked' },
    isPersistent: true,
    expectsContinue: headers.get('expect')?.toLowerCase() === '100-continue',
    upgrade: null,
  }
}

/**
 * Checks a response's HTTP/2 header block.
 * @param isWhole whether the block ended the stream
 */
export function readHttp2Response(
  raw: readonly string[],
  { isWhole, method }: { readonly isWhole: boolean; readonly method: string },
): ResponseHead | BadMessage {
  const split = splitPseudo(raw, [':status'])
  if ('kind' in split) return split
  const { pseudo, headers } = split
  const text = pseudo.get(':status') ?? ''
  if (!/^[1-5]\d\d$/.test(text)) return bad(400, ':status is not a status')
  const status = Number(text)
  const lengths = headers.all('content-length')
  if (lengths.length > 1 || lengths.some((value) => !/^\d{1,15}$/.test(value)))
    return bad(400, 'Content-Length is not a number')
  const framing =
    isWhole || isBodyless(status, method)
      ? ({ kind: 'none' } as const)
      : lengths.length > 0 && Number(lengths[0]) > 0
        ? ({ kind: 'length', bytes: Number(lengths[0]) } as const)
        : ({ kind: 'chunked' } as const)
  return { kind: 'response', status, reason: '', headers, framing, isPersistent: true }
}

/** Trailer fields of an HTTP/2 message; what no trailer may be is left out. */
export function readHttp2Trailers(headers: IncomingHttpHeaders): HeaderList {
  const list = new HeaderList()
  for (const [key, value] of Object.entries(headers)) {
    const name = headerName(key)
    for (const each of Array.isArray(value) ? value : [value ?? ''])
      if (name !== null && isFieldValue(each)) list.add(name, each)
  }
  return list
}

/** Header fields for node:http2; connection-specific ones are left out. */
export function http2Fields(headers: HeaderList, into: OutgoingHttpHeaders = {}): OutgoingHttpHeaders {
  const { names, values } = headers
  for (let at = 0; at < names.length; at += 1) {
    const lower = names[at]?.lower ?? ''
    const value = values[at] ?? ''
    if (connectionFields.has(lower) || lower === 'host') continue
    // RFC 9113 8.2.2
    if (lower === 'te' && value.toLowerCase() !== 'trailers') continue
    const before = into[lower]
    if (before === undefined) into[lower] = value
    else if (!singleFields.has(lower))
      into[lower] = Array.isArray(before) ? [...before, value] : [String(before), value]
  }
  return into
}

function splitPseudo(
  raw: readonly string[],
  allowed: readonly string[],
): { readonly pseudo: ReadonlyMap<string, string>; readonly headers: HeaderList } | BadMessage {
  const pseudo = new Map<string, string>()
  const headers = new HeaderList()
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const key = raw[at] ?? ''
    const value = raw[at + 1] ?? ''
    if (!isFieldValue(value) || value !== value.trim()) return bad(400, 'a field value has bytes no value may have')
    if (key.startsWith(':')) {
      if (!allowed.includes(key) || pseudo.has(key) || headers.length > 0)
        return bad(400, 'a pseudo-header field is unknown, repeated or too late')
      pseudo.set(key, value)
      continue
    }
    const name = headerName(key)
    if (name === null || name.lower !== key) return bad(400, 'a field name is not a lower-case token')
    if (connectionFields.has(key)) return bad(400, 'a connection-specific field in HTTP/2')
    if (key === 'te' && value.toLowerCase() !== 'trailers') return bad(400, 'TE is not trailers')
    headers.add(name, value)
  }
  return { pseudo, headers }
}
