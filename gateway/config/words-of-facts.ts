import { didYouMean } from './suggest.ts'

/** Why a fact is never this word, when that is certain or most likely; null when it may well be. */
export function neverWord(path: string, word: string): { readonly message: string; readonly hint?: string } | null {
  const never = (hint: string | undefined) => {
    const said = path.endsWith('[]') ? `${path.slice(0, -2)} never has` : `${path} is never`
    return { message: `${said} '${word}'`, ...(hint === undefined ? {} : { hint }) }
  }
  if (lowerCase.has(path) && word !== word.toLowerCase()) return never(`write '${word.toLowerCase()}'`)
  const all = closed.get(path)
  if (all !== undefined && !all.includes(word))
    return never(didYouMean(word, all) ?? `it is one of ${all.filter((each) => each !== '').join(', ')}`)
  if (path === 'http.method' && !methods.includes(word)) {
    // any word may be a method: only one that looks misspelt is told
    const meant = didYouMean(word, methods)
    return meant === undefined ? null : never(meant)
  }
  if (path === 'http.path' && word !== '' && word !== '*' && !word.startsWith('/')) return never('paths begin with /')
  if (path === 'http.path' && word.includes('?')) return never('the query is not part of it: use http.query')
  if (path === 'http.host' && /^[^:]+:\d+$/.test(word)) return never('it is without the port')
  if (path === 'k8s.resource' && plural.has(`${word}s`)) return never(`write '${word}s'`)
  return null
}

/** Facts whose values are lower case, where literals are compared as they are written. */
const lowerCase: ReadonlySet<string> = new Set(['sql.verbs[]', 'sql.functions[]', 'k8s.resource'])

/** Facts that have one of a few values. */
const closed: ReadonlyMap<string, readonly string[]> = new Map([
  ['http.scheme', ['https']],
  ['k8s.verb', ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete', 'meta', '']],
  ['ssh.verb', ['pty', 'exec', 'shell', 'subsystem', 'forward', 'reverse_forward', 'agent_forward', 'x11', 'env', '']],
])

const methods =
  'get head post put patch delete options trace connect propfind proppatch mkcol copy move lock unlock search report purge link unlink query bind rebind unbind acl label merge checkout checkin update view'.split(
    ' ',
  )

/** Resources that people often write in the singular. */
const plural: ReadonlySet<string> = new Set(
  'pods secrets services deployments jobs cronjobs nodes namespaces configmaps daemonsets statefulsets replicasets serviceaccounts roles rolebindings clusterroles clusterrolebindings events persistentvolumes persistentvolumeclaims'.split(
    ' ',
  ),
)
