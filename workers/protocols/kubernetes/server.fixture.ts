/** How an API server reads a request: what `readCall` must agree with where it claims to know. */
export interface ServerReading {
  readonly isResource: boolean
  readonly verb: string
  readonly group: string
  readonly version: string
  readonly namespace: string
  readonly resource: string
  readonly sub: string
  readonly name: string
}

const nothing: ServerReading = {
  isResource: false,
  verb: '',
  group: '',
  version: '',
  namespace: '',
  resource: '',
  sub: '',
  name: '',
}

/**
 * The server's own rules, written down apart from ours: slashes at both ends are dropped, the rest is split, and
 * nothing is cleaned.
 * @see kubernetes.io/docs/reference/access-authn-authz/authorization/#determine-the-request-verb
 */
export function serverReads(method: string, path: string, search: string): ServerReading {
  const parts = path.replace(/^\/+|\/+$/g, '').split('/')
  const prefix = parts.shift()
  if (prefix !== 'api' && prefix !== 'apis') return nothing
  if (parts.length < (prefix === 'api' ? 2 : 3)) return nothing
  const group = prefix === 'apis' ? (parts.shift() ?? '') : ''
  const version = parts.shift() ?? ''
  const special = parts[0] === 'watch' || parts[0] === 'proxy' ? parts.shift() : undefined
  if (parts[0] === undefined) return { ...nothing, isResource: true, group, version }
  const words: Record<string, string> = { GET: 'get', HEAD: 'get', POST: 'create', PUT: 'update', PATCH: 'patch' }
  let verb = special ?? (method === 'DELETE' ? 'delete' : (words[method] ?? ''))
  let namespace = ''
  if (parts[0] === 'namespaces') {
    namespace = parts[1] ?? ''
    if (parts[2] !== undefined && !['status', 'finalize'].includes(parts[2])) parts.splice(0, 2)
  }
  const [resource = '', name = '', sub = ''] = parts
  if (name === '' && verb === 'get') {
    const watch = new URLSearchParams(search).get('watch')
    verb = watch === null || ['0', 'false'].includes(watch.toLowerCase()) ? 'list' : 'watch'
  }
  if (name === '' && verb === 'delete') verb = 'deletecollection'
  return { isResource: true, verb, group, version, namespace, resource, sub: special === 'proxy' ? '' : sub, name }
}
