import type { DescribedAction, DescribedHttp } from '../../contract/described.ts'
import { ClawError } from '../../contract/errors.ts'
import type { Endpoint, Limits } from '../../contract/profile.ts'
import { wantsOf } from './body-wants.ts'
import { bodyText } from './decode-body.ts'
import { HeaderList, headerName, isFieldValue } from './header-list.ts'
import { emptyBody, type InspectedBody, readableBody, unreadableBody, unreadBody } from './inspected-body.ts'
import type { RequestHead } from './request-head.ts'

type Lists = { readonly [name: string]: readonly string[] }

/** A target that no reader can decode: what the head of a request has whose path or query is not known. */
const undecodable = '%'

/**
 * The head of a request that is only described. A path or query that is left out is one that could not be decoded.
 * @throws ClawError CP_CONFIG for what no agent can send
 */
export function describedHead({ method = '', path, query, headers = {} }: DescribedHttp): RequestHead {
  return {
    kind: 'request',
    version: '1.1',
    method,
    target: `${path === undefined ? undecodable : encoded(path, notInPath)}${queryText(query)}`,
    authority: null,
    headers: headerList(headers),
    framing: { kind: 'none' },
    isPersistent: true,
    expectsContinue: false,
    upgrade: null,
  }
}

/** Its body, without content coding, as far as the endpoint's rules may look at it. */
export function describedBody(
  action: DescribedAction,
  head: RequestHead,
  endpoint: Endpoint,
  limits: Limits,
): InspectedBody {
  const { http = {}, truncated = false, unparseable = false } = action
  const bytes = http.body_b64 === undefined ? Buffer.from(http.body ?? '') : Buffer.from(http.body_b64, 'base64')
  if (bytes.length === 0 && !truncated && !unparseable) return emptyBody
  const wants = wantsOf(endpoint)
  if (!wants.body) return unreadBody
  if (truncated || bytes.length > limits.inspectBytes) return unreadableBody('truncated')
  const text = unparseable ? null : textOf(bytes, http, head.headers.get('content-type'))
  return text === null ? unreadableBody('undecodable') : readableBody(text, wants.json)
}

/** Text was decoded already; bytes are in the character set the request names. */
function textOf(bytes: Buffer, { body }: DescribedHttp, contentType: string | undefined): string | null {
  const text = bodyText(bytes, contentType)
  return text === null || body === undefined ? text : body
}

const notInPath = /[^A-Za-z0-9\-._~/!$&'()*+,;=:@]/g
const notInQuery = /[^A-Za-z0-9\-._~]/g

function queryText(query: Lists | undefined): string {
  if (query === undefined) return `?${undecodable}`
  const pairs = Object.entries(query).flatMap(([name, values]) =>
    values.map((value) => `${encoded(name, notInQuery)}=${encoded(value, notInQuery)}`),
  )
  return pairs.length === 0 ? '' : `?${pairs.join('&')}`
}

function encoded(text: string, reserved: RegExp): string {
  return Buffer.from(text)
    .toString('latin1')
    .replace(reserved, (byte) => `%${byte.charCodeAt(0).toString(16).padStart(2, '0')}`)
}

function headerList(headers: Lists): HeaderList {
  const list = new HeaderList()
  for (const [raw, values] of Object.entries(headers)) {
    const name = headerName(raw)
    if (name === null) throw new ClawError('CP_CONFIG', `http.headers: ${JSON.stringify(raw)} is no header name`)
    for (const value of values) {
      if (!isFieldValue(value))
        throw new ClawError('CP_CONFIG', `http.headers: a value of ${name.canonical} has bytes no header may have`)
      list.add(name, value)
    }
  }
  return list
}
