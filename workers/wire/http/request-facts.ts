import type { Unknown } from '../../contract/action.ts'
import type { HeaderList } from './header-list.ts'
import type { InspectedBody } from './inspected-body.ts'
import type { RequestHead } from './request-head.ts'
import { unforwarded } from './unforwarded.ts'

type Lists = { readonly [name: string]: readonly string[] }

/** What rules see of a request, computed when a rule asks. */
export class HttpFacts {
  readonly #head: RequestHead
  readonly #body: InspectedBody
  readonly host: string
  readonly scheme: 'https' | 'http'

  constructor(head: RequestHead, host: string, body: InspectedBody, scheme: 'https' | 'http' = 'https') {
    this.scheme = scheme
    this.#head = head
    this.host = host
    this.#body = body
  }

  get method(): string {
    return this.#head.method.toLowerCase()
  }

  get path(): string {
    return decodePath(pathOf(this.#head.target)) ?? ''
  }

  get query(): Lists {
    return decodeQuery(this.#head.target) ?? {}
  }

  get headers(): Lists {
    return canonicalHeaders(this.#head.headers)
  }

  get body(): string {
    return readBody(this.#body).text
  }

  get body_json(): unknown {
    return readBody(this.#body).json()
  }
}

function readBody(body: InspectedBody): Extract<InspectedBody, { kind: 'read' }> {
  if (body.kind !== 'read') throw new Error('the body was not read: no rule names it')
  return body
}

/** Facts that cannot be determined; each makes a rule that reads it deny. */
export function unknownsOf({ target }: RequestHead, body: InspectedBody): readonly Unknown[] {
  const path = pathOf(target)
  const isPathKnown = !needsDecoding(path) || decodePath(path) !== null
  const isQueryKnown = !needsDecoding(target.slice(path.length)) || decodeQuery(target) !== null
  if (isPathKnown && isQueryKnown && body.unknowns.length === 0) return body.unknowns
  const unknowns: Unknown[] = [...body.unknowns]
  if (!isPathKnown) unknowns.push({ path: 'http.path', because: 'undecodable' })
  if (!isQueryKnown) unknowns.push({ path: 'http.query', because: 'undecodable' })
  return unknowns
}

/** The path as sent, without query. */
export function pathOf(target: string): string {
  const query = target.indexOf('?')
  return query < 0 ? target : target.slice(0, query)
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: latin1 text stands for bytes
const notPlain = /%|[^\x00-\x7f]/

function needsDecoding(text: string): boolean {
  return notPlain.test(text)
}

/** The path decoded as UTF-8; null when an escape is malformed: readers differ on what it means. */
function decodePath(path: string): string | null {
  return needsDecoding(path) ? decodeEscapes(path) : path
}

/** Parameters in their order; null when one cannot be decoded: an upstream may read what a rule did not see. */
function decodeQuery(target: string): Lists | null {
  const start = target.indexOf('?')
  const query = start < 0 ? '' : target.slice(start + 1)
  const lists = new Map<string, string[]>()
  if (query === '') return {}
  for (const pair of query.split('&')) {
    if (pair === '') continue
    const equals = pair.indexOf('=')
    const name = decodeValue(equals < 0 ? pair : pair.slice(0, equals))
    const value = decodeValue(equals < 0 ? '' : pair.slice(equals + 1))
    if (name === null || value === null) return null
    const known = lists.get(name)
    if (known === undefined) lists.set(name, [value])
    else known.push(value)
  }
  // not by assignment: `__proto__` may be a name
  return Object.fromEntries(lists)
}

function decodeValue(text: string): string | null {
  const spaced = text.includes('+') ? text.replaceAll('+', ' ') : text
  return needsDecoding(spaced) ? decodeEscapes(spaced) : spaced
}

const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function decodeEscapes(text: string): string | null {
  const bytes = Buffer.alloc(text.length)
  let length = 0
  for (let at = 0; at < text.length; at += 1) {
    let code = text.charCodeAt(at)
    if (code === 0x25) {
      const digits = text.slice(at + 1, at + 3)
      if (!/^[0-9A-Fa-f]{2}$/.test(digits)) return null
      code = Number.parseInt(digits, 16)
      at += 2
    }
    bytes[length] = code
    length += 1
  }
  try {
    return strictUtf8.decode(bytes.subarray(0, length))
  } catch {
    return null
  }
}

function canonicalHeaders(headers: HeaderList): Lists {
  const { names, values } = headers
  const isUnforwarded = unforwarded(headers)
  const lists = new Map<string, string[]>()
  for (let at = 0; at < names.length; at += 1) {
    const name = names[at]
    if (name === undefined || name.lower === 'host' || isUnforwarded(name.lower)) continue
    const known = lists.get(name.canonical)
    if (known === undefined) lists.set(name.canonical, [values[at] ?? ''])
    else known.push(values[at] ?? '')
  }
  return Object.fromEntries(lists)
}
