import { type HeaderList, headerName, listItems } from './header-list.ts'
import type { RequestHead } from './request-head.ts'
import { aboutProxies, namedByConnection } from './unforwarded.ts'

/** Those, and fields that end at this gateway. */
const notForwarded = new Set([
  ...aboutProxies,
  'host',
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'trailers',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
  'expect',
])

/** Fields that would give an agent a credential, or lead it around the gateway (spec runtime 2.7). */
const notReturned = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
  'set-cookie',
  'set-cookie2',
  'proxy-authenticate',
  'authentication-info',
  'proxy-authentication-info',
  'alt-svc',
])

const cookie = headerName('Cookie')
const basicChallenge = /^Basic +realm="(?:[^"\\]|\\.)*"(?: *, *charset="?UTF-8"?)?$/i

/**
 * The agent's fields as they go upstream, in their order and spelling.
 * @param invited whether the agent was asked for its body already: the upstream need not be asked then
 */
export function requestFields(head: RequestHead, invited: boolean): HeaderList {
  const { headers } = head
  const dropped = namedByConnection(headers)
  const cookies: string[] = []
  const fields = headers.filter(({ lower }, value) => {
    if (lower === 'cookie') cookies.push(value)
    return lower !== 'cookie' && !notForwarded.has(lower) && !dropped.has(lower)
  })
  // RFC 9113 8.2.3: HTTP/2 cuts it up, HTTP/1.1 allows one
  if (cookies.length > 0 && cookie !== null) fields.add(cookie, cookies.join('; '))
  if (listItems(headers.all('te')).includes('trailers')) fields.set('TE', 'trailers')
  if (head.expectsContinue && !invited) fields.set('Expect', '100-continue')
  if (upgradeOf(head) !== null) {
    fields.set('Connection', 'Upgrade')
    fields.set('Upgrade', headers.get('upgrade') ?? '')
  }
  return fields
}

/**
 * The protocol an agent asks to switch to; null: none it may. Never to another HTTP or TLS: its requests would pass
 * inside the tunnel without being judged.
 */
export function upgradeOf({ upgrade }: RequestHead): string | null {
  return upgrade === null || !/^[a-z0-9!#$%&'*+.^_`|~/-]+$/.test(upgrade) || /^(h2|h3|http|tls)/.test(upgrade)
    ? null
    : upgrade
}

/**
 * A request's trailers as they go upstream.
 * @param sent its header fields: what they say, and what was injected, no trailer may say again
 */
export function requestTrailers(trailers: HeaderList, sent: HeaderList): HeaderList {
  return trailerFields(trailers).filter(({ lower }) => !sent.has(lower))
}

/** Leaves an upstream only codings in which an echo of a credential can be found. */
export function narrowCodings(fields: HeaderList): void {
  const asked = listItems(fields.all('accept-encoding'))
  const kept = asked.filter((item) => /^(gzip|x-gzip|br|deflate|identity)(\s*;.*)?$/.test(item))
  if (kept.length === asked.length) return
  fields.set('Accept-Encoding', kept.length === 0 ? 'identity' : kept.join(', '))
}

/** An upstream's fields as an agent may see them. */
export function responseFields(headers: HeaderList): HeaderList {
  const dropped = namedByConnection(headers)
  return headers.filter(
    ({ lower }, value) =>
      !notReturned.has(lower) && !dropped.has(lower) && (lower !== 'www-authenticate' || basicChallenge.test(value)),
  )
}

/** Trailers as they may go on, either way. */
export function trailerFields(trailers: HeaderList): HeaderList {
  return trailers.filter(
    ({ lower }) =>
      !notReturned.has(lower) &&
      !notForwarded.has(lower) &&
      lower !== 'content-length' &&
      lower !== 'authorization' &&
      lower !== 'cookie' &&
      lower !== 'www-authenticate',
  )
}
