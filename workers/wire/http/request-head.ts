import { type BadMessage, bad, hasStrayBytes, maxHeadBytes, parseHeaderLines } from './head-lines.ts'
import { type HeaderList, listItems } from './header-list.ts'

/** How the end of a message body is found. */
export type Framing =
  | { readonly kind: 'none' }
  | { readonly kind: 'length'; readonly bytes: number }
  | { readonly kind: 'chunked' }
  | { readonly kind: 'until_close' }

/** One request, whichever version carried it. */
export interface RequestHead {
  readonly kind: 'request'
  readonly version: '1.0' | '1.1' | '2'
  readonly method: string
  /** Origin form (`/path?query`) or `*`. */
  readonly target: string
  /** Lower-case host with port as sent; null: an HTTP/1.0 request without Host. */
  readonly authority: string | null
  /** As received, framing and hop-by-hop fields included. */
  readonly headers: HeaderList
  readonly framing: Framing
  /** Whether the agent keeps the connection open. */
  readonly isPersistent: boolean
  readonly expectsContinue: boolean
  /** Protocol asked for with Upgrade, lower case. */
  readonly upgrade: string | null
}

const requestLine = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]{1,64}) ([\x21-\x7e\x80-\xff]+) HTTP\/(\d)\.(\d)$/
const authority = /^(?:[A-Za-z0-9._-]{1,255}|\[[0-9A-Fa-f:.]{2,45}\])(?::\d{1,5})?$/
const noBody: Framing = { kind: 'none' }
const chunked: Framing = { kind: 'chunked' }

/**
 * Reads an HTTP/1.x request head so strictly that no other reader can see another request in it.
 * @param bytes the head with its empty line, nothing after it
 * @see RFC 9112 sections 2.2, 3, 5 and 6.3
 */
export function parseRequestHead(bytes: Buffer): RequestHead | BadMessage {
  if (bytes.length > maxHeadBytes) return bad(431, `head of more than ${maxHeadBytes} bytes`)
  const head = bytes.toString('latin1')
  if (hasStrayBytes(head)) return bad(400, 'a control character, or a line that does not end in CR LF')
  const lineEnd = head.indexOf('\r\n')
  const line = requestLine.exec(head.slice(0, lineEnd))
  if (line === null) return bad(400, 'the request line is not METHOD TARGET HTTP/1.1')
  const [, method = '', target = '', major, minor] = line
  if (major !== '1' || (minor !== '0' && minor !== '1')) return bad(505, 'not HTTP/1.0 or HTTP/1.1')
  const headers = parseHeaderLines(head, lineEnd + 2)
  if ('kind' in headers) return headers
  const version = minor === '1' ? '1.1' : '1.0'
  const facts = readFacts(headers)
  const framing = requestFraming(facts, version)
  if (framing.kind === 'bad') return framing
  const where = readTarget(method, target, facts.hosts)
  if ('kind' in where) return where
  if (where.authority === null && version === '1.1') return bad(400, 'no Host header')
  const connection = facts.connection.length === 0 ? [] : listItems(facts.connection)
  if (facts.upgrades.length > 1) return bad(400, 'two Upgrade headers')
  return {
    kind: 'request',
    version,
    method,
    ...where,
    headers,
    framing,
    isPersistent: version === '1.1' ? !connection.includes('close') : connection.includes('keep-alive'),
    expectsContinue: version === '1.1' && facts.expect?.toLowerCase() === '100-continue',
    upgrade: connection.includes('upgrade') ? (facts.upgrades[0]?.toLowerCase() ?? null) : null,
  }
}

interface HeadFacts {
  readonly hosts: string[]
  readonly lengths: string[]
  readonly codings: string[]
  readonly connection: string[]
  readonly upgrades: string[]
  expect: string | undefined
}

/** One pass over the names that frame or route a request. */
function readFacts({ names, values }: HeaderList): HeadFacts {
  const facts: HeadFacts = { hosts: [], lengths: [], codings: [], connection: [], upgrades: [], expect: undefined }
  for (let at = 0; at < names.length; at += 1) {
    const value = values[at] ?? ''
    switch (names[at]?.lower) {
      case 'host':
        facts.hosts.push(value)
        break
      case 'content-length':
        facts.lengths.push(value)
        break
      case 'transfer-encoding':
        facts.codings.push(value)
        break
      case 'connection':
        facts.connection.push(value)
        break
      case 'upgrade':
        facts.upgrades.push(value)
        break
      case 'expect':
        facts.expect = value
        break
    }
  }
  return facts
}

function requestFraming({ lengths, codings }: HeadFacts, version: '1.0' | '1.1'): Framing | BadMessage {
  if (codings.length > 0) {
    if (lengths.length > 0) return bad(400, 'both Content-Length and Transfer-Encoding')
    if (version === '1.0') return bad(400, 'Transfer-Encoding in HTTP/1.0')
    if (codings.length > 1 || codings[0]?.toLowerCase() !== 'chunked')
      return bad(501, 'a Transfer-Encoding but chunked')
    return chunked
  }
  if (lengths.length === 0) return noBody
  if (lengths.length > 1) return bad(400, 'two Content-Length headers')
  if (!/^\d{1,15}$/.test(lengths[0] ?? '')) return bad(400, 'Content-Length is not a number')
  const bytes = Number(lengths[0])
  return bytes === 0 ? noBody : { kind: 'length', bytes }
}

/** Reduces every form of a request target to a path and an authority that agree. */
function readTarget(
  method: string,
  target: string,
  hosts: readonly string[],
): { readonly target: string; readonly authority: string | null } | BadMessage {
  if (hosts.length > 1) return bad(400, 'two Host headers')
  const host = hosts[0]?.toLowerCase() ?? null
  if (host !== null && !authority.test(host)) return bad(400, 'Host is not a host name')
  if (method === 'CONNECT') return bad(405, 'CONNECT inside an intercepted connection')
  if (target.includes('#')) return bad(400, 'the target has a fragment')
  if (target.startsWith('/')) return { target, authority: host }
  if (target === '*') return method === 'OPTIONS' ? { target, authority: host } : bad(400, 'target * without OPTIONS')
  const absolute = /^https:\/\/([^/?]+)(.*)$/i.exec(target)
  const named = absolute?.[1]?.toLowerCase() ?? ''
  if (!authority.test(named)) return bad(400, 'the target is neither a path nor an https URL')
  if (host !== null && host !== named) return bad(400, 'Host and the target name different hosts')
  const path = absolute?.[2] ?? ''
  return { target: path.startsWith('/') ? path : `/${path}`, authority: named }
}
