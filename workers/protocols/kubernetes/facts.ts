import type { Unknown } from '../../contract/action.ts'
import { k8s } from '../../contract/families/k8s.ts'
import { apiPath, type KubernetesPath } from './api-path.ts'

type Lists = { readonly [name: string]: readonly string[] }

/** What rules see of a Kubernetes API call as `k8s`. */
export interface KubernetesFacts {
  readonly verb: string
  readonly resource: string
  readonly namespace: string
  readonly name: string
  readonly params: { readonly [name: string]: string }
  readonly group: string
  readonly version: string
  readonly is_collection: boolean
  readonly all_params: Lists
  readonly proxy_path: string
}

/** The request a call is made with. */
export interface KubernetesRequest {
  readonly method: string
  /** Decoded, without query: `http.path`; null when it cannot be decoded. */
  readonly path: string | null
  /** Decoded: `http.query`; null when it cannot be decoded. */
  readonly query: Lists | null
  /** Path and query as sent, where they are known: tells an encoded slash from one that separates. */
  readonly target?: string
}

/** Facts of a call, and which of them could not be determined. */
export interface SeenCall {
  readonly facts: KubernetesFacts
  readonly unknowns: readonly Unknown[]
}

/** Stands where a fact is unknown; nobody may rely on it. */
export const noFacts: KubernetesFacts = {
  verb: '',
  resource: '',
  namespace: '',
  name: '',
  params: {},
  group: '',
  version: '',
  is_collection: false,
  all_params: {},
  proxy_path: '',
}

/**
 * Reads a request as the API server does. What the server could read in another way than it is written here is unknown;
 * so is everything of a request that is no API call.
 * @see kubernetes.io/docs/reference/using-api/api-concepts/
 */
export function readCall(request: KubernetesRequest): SeenCall {
  const { path, query, target } = request
  if (path === null) return nothingKnown('undecodable')
  const found = apiPath(path, target === undefined ? null : rawPathOf(target))
  const method = request.method.toUpperCase()
  const isRead = method === 'GET' || method === 'HEAD'
  if (found === null || (found.kind === 'meta' && !isRead)) return nothingKnown('unparsed')
  const unknowns: Unknown[] = []
  const known = query !== null && !hasSemicolon(target)
  const lists = known ? query : {}
  if (!known) unknowns.push(unknown('params', 'undecodable'), unknown('all_params', 'undecodable'))
  const params = Object.fromEntries(Object.entries(lists).map(([name, values]) => [name, values[0] ?? '']))
  const given = { ...noFacts, params, all_params: lists }
  if (found.kind === 'meta') return { facts: { ...given, verb: 'meta' }, unknowns }
  const verb = verbOf(method, found, known ? lists : null)
  // before its verb was in the query it was in the path; nothing but a read ever worked there
  if (found.isWatch && !isRead) return nothingKnown('unparsed')
  if (verb === null) unknowns.push(unknown('verb', isRead && !known ? 'undecodable' : 'unparsed'))
  if (found.proxyPath === null) unknowns.push(unknown('proxy_path', 'unparsed'))
  const { resource, namespace, name, group, version } = found
  const facts = {
    ...given,
    verb: verb ?? '',
    resource,
    namespace,
    name,
    group,
    version,
    is_collection: name === '' && method !== 'POST',
    proxy_path: found.proxyPath ?? '',
  }
  return { facts, unknowns }
}

/** A call of which nothing is known. */
export function nothingKnown(because: Unknown['because']): SeenCall {
  return { facts: noFacts, unknowns: k8s.facts.map(({ name }) => unknown(name, because)) }
}

const verbs: { readonly [method: string]: string } = { POST: 'create', PUT: 'update', PATCH: 'patch', DELETE: 'delete' }

/** null: it cannot be told. */
function verbOf(
  method: string,
  { name, isWatch }: Extract<KubernetesPath, { kind: 'resource' }>,
  query: Lists | null,
): string | null {
  if (method !== 'GET' && method !== 'HEAD') return (Object.hasOwn(verbs, method) ? verbs[method] : null) ?? null
  if (isWatch) return 'watch'
  if (query === null) return null
  const asked = isWatchAsked(Object.hasOwn(query, 'watch') ? (query.watch ?? []) : [])
  if (asked === null) return null
  if (!asked) return name === '' ? 'list' : 'get'
  // servers answer a named object whatever watch says, where rules written for a watch expect none
  return name === '' ? 'watch' : null
}

/** Anything but 0 and false asks for a watch; null when values disagree, or servers do on what they mean. */
function isWatchAsked(values: readonly string[]): boolean | null {
  const read = new Set(values.map((value) => (isAscii(value) ? !/^(?:0|false)$/i.test(value) : null)))
  if (read.size > 1) return null
  const [only = false] = read
  return only
}

function isAscii(text: string): boolean {
  return /^[\x20-\x7e]*$/.test(text)
}

/** Old servers end a parameter there, new ones drop it. */
function hasSemicolon(target: string | undefined): boolean {
  return target?.includes(';', rawPathOf(target).length) === true
}

function rawPathOf(target: string): string {
  const query = target.indexOf('?')
  return query < 0 ? target : target.slice(0, query)
}

function unknown(name: string, because: Unknown['because']): Unknown {
  return { path: `k8s.${name}`, because }
}
