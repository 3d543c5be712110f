import type {
  DescribedAction,
  DescribedHttp,
  DescribedKubernetes,
  DescribedSql,
  DescribedSsh,
} from '../../workers/contract/described.ts'
import { ClawError } from '../../workers/contract/errors.ts'

/** An action as a person writes it on one line. */
export interface WrittenAction {
  readonly family: 'http' | 'k8s' | 'sql' | 'ssh'
  readonly text: string
  /** `Name: value`, each; of a request. */
  readonly headers: readonly string[]
  /** Body of a request, or what is piped into a session. */
  readonly body: string | null
  /** Host, where the text does not say it. */
  readonly host: string | null
  readonly database: string | null
  /** Values of parameters of a statement; null: none are given. */
  readonly params: { readonly [name: string]: string } | null
}

/**
 * Describes an action that is written on one line.
 * @throws ClawError CP_CONFIG when the line cannot be read
 */
export function describeWritten(written: WrittenAction): DescribedAction {
  const { family, text, host } = written
  const at = host === null ? {} : { host }
  switch (family) {
    case 'http':
      return { ...at, ...request(written) }
    case 'k8s':
      return { ...at, ...(/^[A-Za-z]+\s+(https:\/\/|\/)/.test(text) ? request(written) : { k8s: call(text) }) }
    case 'sql':
      return { ...at, sql: statement(written) }
    case 'ssh':
      return { ...at, ...session(written) }
    default:
      return family satisfies never
  }
}

function statement({ text, database, params }: WrittenAction): DescribedSql {
  return {
    statement: text,
    ...(database === null ? {} : { database }),
    ...(params === null ? {} : { params }),
  }
}

/** `METHOD https://host/path?query`, or `METHOD /path` where the host is given apart. */
function request({ text, headers, body }: WrittenAction): Pick<DescribedAction, 'host' | 'http'> {
  const [, method = '', scheme, authority, target = ''] =
    /^(\S+)\s+(?:(https?):\/\/([^/?#\s]+))?(\S*)$/.exec(text.trim()) ?? []
  if (method === '' || (authority === undefined && !target.startsWith('/')))
    throw unreadable(text, "write it like 'DELETE https://api.example.com/v1/users/7'")
  if (scheme === 'http') throw unreadable(text, 'plain http is not judged: write https://')
  const [raw = '', query = ''] = split(target.split('#')[0] ?? '', '?')
  const path = decoded(raw === '' ? '/' : raw)
  const parameters = queryOf(query)
  const http: DescribedHttp = {
    method,
    ...(path === null ? {} : { path }),
    ...(parameters === null ? {} : { query: parameters }),
    headers: headersOf(headers),
    ...(body === null ? {} : { body }),
  }
  return { ...(authority === undefined ? {} : { host: authority.toLowerCase() }), http }
}

type Lists = Record<string, string[]>

function queryOf(query: string): Lists | null {
  const lists = new Map<string, string[]>()
  for (const pair of query.split('&').filter((each) => each !== '')) {
    const [name, value] = split(pair.replaceAll('+', ' '), '=').map((part) => decoded(part ?? ''))
    if (name === null || name === undefined || value === null || value === undefined) return null
    lists.set(name, [...(lists.get(name) ?? []), value])
  }
  return Object.fromEntries(lists)
}

function headersOf(lines: readonly string[]): Lists {
  const lists = new Map<string, string[]>()
  for (const line of lines) {
    const colon = line.indexOf(':')
    // the line may hold a secret: it is not repeated
    if (colon < 1) throw new ClawError('CP_CONFIG', "--header is not 'Name: value'")
    const name = line.slice(0, colon).trim()
    lists.set(name, [...(lists.get(name) ?? []), line.slice(colon + 1).trim()])
  }
  return Object.fromEntries(lists)
}

/** Text and what follows the first separator; empty where there is none. */
function split(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator)
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)]
}

/** null: it cannot be decoded, and live traffic would not know it either. */
function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text)
  } catch {
    return null
  }
}

/** `delete pods api-1 -n web`, with the parameters of the call as `key=value`. */
function call(text: string): DescribedKubernetes {
  const words = text.trim().split(/\s+/)
  const places: string[] = []
  const params: Record<string, string> = {}
  let namespace = ''
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at] ?? ''
    const flag = /^(?:-n|--namespace)(?:=(.*))?$/.exec(word)
    if (flag !== null) {
      namespace = flag[1] ?? words[at + 1] ?? ''
      if (flag[1] === undefined) at += 1
    } else if (/^[\w.-]+=/.test(word)) {
      const [name, value] = split(word, '=')
      params[name] = value
    } else places.push(word)
  }
  const [verb = '', resource = '', name = '', extra] = places
  if (verb === '' || (resource === '' && verb !== 'meta') || extra !== undefined)
    throw unreadable(text, "write it like 'delete pods api-1 -n web' or 'GET /api/v1/namespaces/web/pods'")
  return { verb, resource, name, namespace, params }
}

/** `user@host verb …`: `ci@builder exec make test`, `ci@builder forward db:5432`. */
function session({ text, body }: WrittenAction): Pick<DescribedAction, 'host' | 'ssh'> {
  const [, user = '', host = '', verb = '', rest = ''] =
    /^(?:([^@\s]+)@)?(\S+)\s+(\S+)(?:\s+([\s\S]*))?$/.exec(text.trim()) ?? []
  if (verb === '') throw unreadable(text, "write it like 'ci@builder.example.com exec make test'")
  const ssh: DescribedSsh = {
    verb,
    user,
    ...aboutVerb(verb.toLowerCase(), rest),
    ...(body === null ? {} : { stdin: body }),
  }
  return { host: host.toLowerCase(), ssh }
}

function aboutVerb(verb: string, rest: string): Partial<DescribedSsh> {
  if (rest === '') return {}
  if (verb === 'subsystem') return { subsystem: rest }
  if (!verb.endsWith('forward')) return { command: rest }
  const [, host = '', port = ''] = /^(.*):(\d+)$/.exec(rest) ?? []
  if (port === '') throw unreadable(rest, 'a forward goes to host:port')
  return { forward_host: host, forward_port: Number(port) }
}

function unreadable(text: string, hint: string): ClawError {
  return new ClawError('CP_CONFIG', `cannot read the action ${JSON.stringify(text)}`, { hint })
}
