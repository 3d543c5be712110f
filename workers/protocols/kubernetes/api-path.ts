/** What a path of the Kubernetes API is about. */
export type KubernetesPath =
  /** Discovery and health. */
  | { readonly kind: 'meta' }
  | {
      readonly kind: 'resource'
      /** Empty for the core group. */
      readonly group: string
      readonly version: string
      /** Empty for cluster-wide objects; the namespace itself belongs to itself. */
      readonly namespace: string
      /** With sub-resource: `pods/exec`. */
      readonly resource: string
      /** Empty for a collection. */
      readonly name: string
      /** The path itself asks for a watch: `/api/v1/watch/pods`. */
      readonly isWatch: boolean
      /** What follows a proxy sub-resource, from its slash on; empty without one; null when it can be read in several ways. */
      readonly proxyPath: string | null
    }

/**
 * Takes a path apart as the API server does.
 * @param path decoded, without query
 * @param raw as sent; null when that is not known
 * @returns null for a path that is not of the API, and for one that programs on the way may read differently
 */
export function apiPath(path: string, raw: string | null): KubernetesPath | null {
  if (!path.startsWith('/') || hasDots(path)) return null
  const segments = path.slice(1).split('/')
  const isSlashEnded = segments.length > 1 && segments.at(-1) === ''
  if (isSlashEnded) segments.pop()
  const parsed = parse(segments)
  if (parsed === null) return null
  const fixed = parsed.proxyAt ?? segments.length
  if (!segments.slice(0, fixed).every(isPlain)) return null
  const slashed = raw === null ? -1 : raw.slice(1).split('/').findIndex(hidesSlash)
  if (slashed >= 0 && slashed < fixed) return null
  if (parsed.path.kind === 'meta') return parsed.path
  if (parsed.proxyAt === null) return parsed.path
  const rest = segments.slice(parsed.proxyAt)
  const isRead = slashed < 0 && rest.every(isPlain)
  const proxyPath = rest.map((segment) => `/${segment}`).join('') + (isSlashEnded ? '/' : '')
  return { ...parsed.path, proxyPath: isRead ? proxyPath : null }
}

interface Parsed {
  readonly path: KubernetesPath
  /** First segment behind a proxy sub-resource; null without one. */
  readonly proxyAt: number | null
}

const metaRoots = new Set(['api', 'apis', 'healthz', 'livez', 'readyz', 'version', 'metrics', 'openapi'])
const metaTrees = new Set(['healthz', 'livez', 'readyz', 'openapi'])
const ofNamespaces = new Set(['status', 'finalize'])

function parse(segments: readonly string[]): Parsed | null {
  if (isMeta(segments)) return { path: { kind: 'meta' }, proxyAt: null }
  const [root, ...afterRoot] = segments
  if (root !== 'api' && root !== 'apis') return null
  const [group, [version = '', ...rest]] = root === 'api' ? ['', afterRoot] : [afterRoot[0] ?? '', afterRoot.slice(1)]
  const isWatch = rest[0] === 'watch'
  const about = isWatch ? rest.slice(1) : rest
  // an old way to say …/proxy, which no server answers any more
  if (about[0] === undefined || about[0] === 'proxy') return null
  const namespace = about[0] === 'namespaces' ? (about[1] ?? '') : ''
  const isInside = about[0] === 'namespaces' && about[2] !== undefined && !ofNamespaces.has(about[2])
  const parts = isInside ? about.slice(2) : about
  const [resource = '', name = '', sub] = parts
  if (!(group === '' || isGroup(group)) || !isVersion(version) || !isResource(resource)) return null
  if (!(namespace === '' || isGroup(namespace)) || (sub !== undefined && !isResource(sub))) return null
  return {
    path: {
      kind: 'resource',
      group,
      version,
      namespace,
      resource: sub === undefined ? resource : `${resource}/${sub}`,
      name,
      isWatch,
      proxyPath: '',
    },
    proxyAt: sub === 'proxy' ? segments.length - parts.length + 3 : null,
  }
}

function isMeta([root = '', second, third, fourth]: readonly string[]): boolean {
  if (second === undefined) return metaRoots.has(root)
  if (metaTrees.has(root)) return true
  if (root === 'api') return third === undefined
  return root === 'apis' && fourth === undefined
}

function isGroup(text: string): boolean {
  return /^[a-z0-9][a-z0-9.-]*$/.test(text)
}

function isVersion(text: string): boolean {
  return /^[a-z0-9][a-z0-9-]*$/.test(text)
}

/** Metrics are resources too, and their names have underscores and colons. */
function isResource(text: string): boolean {
  return /^[a-z0-9][a-z0-9._:-]*$/.test(text)
}

/** Nothing that a program on the way could take for a separator, a parameter or another escape. */
function isPlain(segment: string): boolean {
  return segment !== '' && !/[\\%;?#\p{Cc}]/u.test(segment)
}

/** `.` and `..` lead elsewhere for some programs, also behind `\` and with parameters of their own (`..;x`). */
function hasDots(path: string): boolean {
  return /(?:^|[/\\])\.{1,2}(?:;[^/\\]*)?(?:$|[/\\])/.test(path)
}

function hidesSlash(segment: string): boolean {
  return /%2f/i.test(segment)
}
