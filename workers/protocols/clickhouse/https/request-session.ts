import type { HeaderList } from '../../../wire/http/header-list.ts'
import type { OutgoingRequest } from '../../../wire/http/upstream-call.ts'
import { usualDatabase } from '../definition.ts'
import { isSetting, parameterOf, readParameters, rewriteTarget, type UrlParameters, utf8 } from './url-parameters.ts'

/** What a request says beside its statement. */
export interface RequestSession {
  /** null: it cannot be told which. */
  readonly database: string | null
  /** Values of `param_…`; null: they cannot be read. */
  readonly params: { readonly [name: string]: string } | null
  readonly settings: { readonly [name: string]: string }
  /** The server keeps settings and temporary tables for requests that name the same. */
  readonly hasSession: boolean
  /** Whether it is certain what the server finds. */
  readonly isClear: boolean
}

const databaseField = 'x-clickhouse-database'
/** What parameters of the statement are called, before their own name. */
export const paramPrefix = 'param_'

/** What a request is read with. */
export interface SessionSource {
  readonly headers: HeaderList
  readonly parameters: UrlParameters
  /** The database the endpoint declares for requests that name none. */
  readonly usual: string | undefined
}

/** Reads what a request says beside its statement. */
export function readSession({ headers, parameters, usual = usualDatabase }: SessionSource): RequestSession {
  const { all } = parameters
  const given = [parameterOf(parameters, 'database') ?? '', ...headers.all(databaseField)].filter((name) => name !== '')
  const named = new Set(given).size === 1 ? utf8(given[0] ?? '') : null
  const database = given.length > 0 ? named : usual
  const params = texts(
    all.filter(({ name }) => name.startsWith(paramPrefix)),
    paramPrefix.length,
  )
  const settings = texts(
    all.filter(({ name }) => isSetting(name)),
    0,
  )
  const hasSession = parameterOf(parameters, 'session_id') !== undefined
  const isClear = parameters.isClear && settings !== null
  return isClear
    ? { database, params, settings, hasSession, isClear }
    : { database: null, params: null, settings: {}, hasSession, isClear }
}

/**
 * A request as it goes out: it says the database that rules were told of, whatever the default of the server's user or
 * session is, and cannot become another protocol.
 */
export function asJudged(request: OutgoingRequest, { database }: RequestSession): OutgoingRequest {
  const headers = request.headers.filter(
    ({ lower }) => !isUnread(lower) && !(database !== null && lower === databaseField),
  )
  const plain = { ...request, headers, upgrade: null }
  if (database === null) return plain
  const parameters = readParameters(request.target)
  if (parameterOf(parameters, 'database') === bytesOf(database)) return plain
  return { ...plain, target: rewriteTarget(parameters, (name) => name !== 'database', [['database', database]]) }
}

/** Fields of the server's own that are known to leave the meaning of a statement alone. */
const knownFields: ReadonlySet<string> = new Set([
  databaseField,
  'x-clickhouse-user',
  'x-clickhouse-key',
  'x-clickhouse-ssl-certificate-auth',
  'x-clickhouse-quota',
  'x-clickhouse-format',
])

/** Whether a field ends here: it asks for another protocol, or a later server may take it for a setting. */
function isUnread(lower: string): boolean {
  return lower === 'upgrade' || lower === 'connection' || (lower.startsWith('x-clickhouse-') && !knownFields.has(lower))
}

function bytesOf(text: string): string {
  return Buffer.from(text).toString('latin1')
}

function texts(parameters: UrlParameters['all'], skipped: number): { readonly [name: string]: string } | null {
  const pairs: [string, string][] = []
  for (const { name, value } of parameters) {
    const text = utf8(value)
    if (text === null) return null
    pairs.push([name.slice(skipped), text])
  }
  return Object.fromEntries(pairs)
}
