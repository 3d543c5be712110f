/** One parameter of a request's URL, decoded as the server decodes it: latin1 text that stands for bytes. */
export interface UrlParameter {
  readonly name: string
  readonly value: string
  /** As it was sent. */
  readonly raw: string
}

/** A request target taken apart. */
export interface UrlParameters {
  /** As sent. */
  readonly path: string
  readonly all: readonly UrlParameter[]
  /** false: which parameters the server finds is not certain. */
  readonly isClear: boolean
}

/** Parameters that are no settings, in any version of the server. */
const reserved: ReadonlySet<string> = new Set([
  'query',
  'compress',
  'decompress',
  'user',
  'password',
  'quota_key',
  'query_id',
  'stacktrace',
  'role',
  'buffer_size',
  'wait_end_of_query',
  'session_id',
  'session_timeout',
  'session_check',
  'close_session',
  'client_protocol_version',
  'database',
  'default_format',
])

/**
 * Takes a request target apart. The server finds names whatever their case, takes the first of several that are alike in
 * one place and the last in another, and drops a byte order mark: such targets are not clear.
 */
export function readParameters(target: string): UrlParameters {
  const mark = target.indexOf('?')
  if (mark < 0) return { path: target, all: [], isClear: true }
  const query = target.slice(mark + 1)
  const all = query === '' ? [] : query.split('&').map(readOne)
  return { path: target.slice(0, mark), all, isClear: areClear(all) }
}

function areClear(all: readonly UrlParameter[]): boolean {
  const names = all.map(({ name }) => name.toLowerCase()).filter((name) => name !== 'role')
  return all.every(isPlain) && new Set(names).size === names.length
}

/** Parameters with those of a form; of the server's own a form may only bring the statement. */
export function withFields(url: UrlParameters, fields: readonly UrlParameter[]): UrlParameters {
  const all = [...url.all, ...fields]
  const isUsual = fields.every(({ name }) => name === 'query' || !reserved.has(name.toLowerCase()))
  return { ...url, all, isClear: url.isClear && isUsual && areClear(all) }
}

/** The value of a parameter; undefined: it is not there. */
export function parameterOf({ all }: UrlParameters, name: string): string | undefined {
  return all.find((each) => each.name.toLowerCase() === name)?.value
}

/** Whether the server takes a parameter for a setting. */
export function isSetting(name: string): boolean {
  return !reserved.has(name) && !name.startsWith('param_')
}

/** The text of bytes; null: they are not UTF-8. */
export function utf8(bytes: string | Buffer): string | null {
  try {
    return strict.decode(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes)
  } catch {
    return null
  }
}

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * A target with parameters left out and one put in.
 * @param isKept by lower-case name
 */
export function rewriteTarget(
  { path, all }: UrlParameters,
  isKept: (name: string) => boolean,
  added: readonly (readonly [name: string, value: string])[] = [],
): string {
  const kept = all.filter(({ name }) => isKept(name.toLowerCase())).map(({ raw }) => raw)
  const more = added.map(([name, value]) => `${name}=${encodeURIComponent(value)}`)
  const pairs = [...kept, ...more]
  return pairs.length === 0 ? path : `${path}?${pairs.join('&')}`
}

function readOne(raw: string): UrlParameter {
  const equals = raw.indexOf('=')
  const name = equals < 0 ? raw : raw.slice(0, equals)
  return { name: decode(name), value: equals < 0 ? '' : decode(raw.slice(equals + 1)), raw }
}

const broken = '\0'

function decode(text: string): string {
  // an escape that is none is refused by the server
  if (/%(?![0-9A-Fa-f]{2})/.test(text)) return broken
  return text
    .replaceAll('+', ' ')
    .replace(/%([0-9A-Fa-f]{2})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)))
}

function isPlain({ name, value }: UrlParameter): boolean {
  const lower = name.toLowerCase()
  return /^[A-Za-z0-9_.-]+$/.test(name) && value !== broken && (lower === name || !reserved.has(lower))
}
