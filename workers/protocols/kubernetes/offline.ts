import type { Unknown } from '../../contract/action.ts'
import type { DescribedAction, DescribedHttp, DescribedKubernetes } from '../../contract/described.ts'
import { ClawError } from '../../contract/errors.ts'
import { http as httpFamily } from '../../contract/families/http.ts'
import type { OfflineDecoder, OfflineSeen } from '../../contract/offline.ts'
import type { Endpoint, Limits } from '../../contract/profile.ts'
import { chooseCredential } from '../../upstream/choose-credential.ts'
import { describedBody, describedHead } from '../../wire/http/described-request.ts'
import { HttpFacts, unknownsOf } from '../../wire/http/request-facts.ts'
import { type KubernetesFacts, noFacts, nothingKnown, readCall, type SeenCall } from './facts.ts'

/**
 * Tells rules of a described call what they would be told of a live one: `http` says everything, `k8s` beside it must
 * agree, and alone leaves unknown what of the request does not follow from it.
 */
export const decodeOffline: OfflineDecoder = (described, endpoint, limits) => {
  const { http, k8s } = described
  if (http !== undefined) return [fromRequest(described, http, endpoint, limits)]
  if (k8s !== undefined) return [fromCall(described, k8s, endpoint)]
  throw new ClawError('CP_CONFIG', 'Cannot judge the action: the endpoint takes k8s, or the http request')
}

function fromRequest(described: DescribedAction, http: DescribedHttp, endpoint: Endpoint, limits: Limits): OfflineSeen {
  const { host = '', k8s } = described
  const head = describedHead(http)
  const body = describedBody(described, head, endpoint, limits)
  const facts = new HttpFacts(head, hostName(host), body)
  const unknowns = unknownsOf(head, body)
  const isKnown = (path: string) => unknowns.every((unknown) => unknown.path !== path)
  const call = readCall({
    method: head.method,
    path: isKnown('http.path') ? facts.path : null,
    query: isKnown('http.query') ? facts.query : null,
  })
  if (k8s !== undefined) checkAgreement(call, k8s)
  return {
    title: `${head.method} https://${host}${http.path ?? ''}`,
    facts: { k8s: call.facts, http: facts },
    unknowns: [...call.unknowns, ...unknowns, ...unknownHost(host)],
    credential: chooseCredential(endpoint.credentials, head)?.name ?? null,
  }
}

function checkAgreement({ facts, unknowns }: SeenCall, given: DescribedKubernetes): void {
  for (const name of ['verb', 'resource', 'namespace', 'name'] as const) {
    const said = name === 'verb' ? given.verb?.toLowerCase() : given[name]
    if (said !== undefined && isKnown(name) && said !== facts[name]) throw disagreement(name, said, facts[name])
  }
  for (const [name, said] of Object.entries(given.params ?? {})) {
    const seen = Object.hasOwn(facts.params, name) ? facts.params[name] : undefined
    if (isKnown('params') && said !== seen) throw disagreement(`params.${name}`, said, seen ?? null)
  }
  function isKnown(name: string): boolean {
    return unknowns.every(({ path }) => path !== `k8s.${name}`)
  }
}

function disagreement(name: string, said: string, seen: string | null): ClawError {
  return new ClawError(
    'CP_CONFIG',
    `k8s.${name}: given is ${JSON.stringify(said)}, the request says ${JSON.stringify(seen)}`,
  )
}

/** What a call is made with; a read may also be made with HEAD, which asks for the same. */
const methods: { readonly [verb: string]: string } = {
  get: 'get',
  list: 'get',
  watch: 'get',
  meta: 'get',
  create: 'post',
  update: 'put',
  patch: 'patch',
  delete: 'delete',
}

function fromCall(
  { host = '', unparseable = false }: DescribedAction,
  given: DescribedKubernetes,
  endpoint: Endpoint,
): OfflineSeen {
  const { facts, unknowns } = unparseable ? nothingKnown('unparsed') : callOf(given)
  const method = Object.hasOwn(methods, facts.verb) ? methods[facts.verb] : undefined
  const known = ['scheme', 'host', 'query', ...(method === undefined ? [] : ['method'])]
  const unsaid = httpFamily.facts.filter(({ name }) => !known.includes(name))
  const request = { method: method ?? '', path: '', query: facts.all_params, headers: {}, body: '', body_json: {} }
  const [only, other] = endpoint.credentials
  return {
    title: [
      facts.verb,
      [facts.resource, facts.name].filter(Boolean).join(' '),
      facts.namespace && `in ${facts.namespace}`,
    ]
      .filter(Boolean)
      .join(' '),
    facts: { k8s: facts, http: { ...request, host: hostName(host), scheme: 'https' } },
    unknowns: [
      ...unknowns,
      ...unsaid.map(({ name }): Unknown => ({ path: `http.${name}`, because: 'unparsed' })),
      ...unknownHost(host),
    ],
    // a placeholder that would pick one of several is in a header
    credential: other === undefined ? (only?.name ?? null) : null,
  }
}

function callOf({ verb = '', resource = '', namespace = '', name = '', params = {} }: DescribedKubernetes): SeenCall {
  const folded = verb.toLowerCase()
  const facts: KubernetesFacts = {
    ...noFacts,
    verb: folded,
    resource,
    namespace,
    name,
    params,
    all_params: Object.fromEntries(Object.entries(params).map(([key, value]) => [key, [value]])),
    is_collection: name === '' && folded !== 'create' && folded !== 'meta',
  }
  const unsaid = folded === 'meta' ? [] : ['group', 'version', ...(resource.endsWith('/proxy') ? ['proxy_path'] : [])]
  return { facts, unknowns: unsaid.map((each) => ({ path: `k8s.${each}`, because: 'unparsed' })) }
}

function unknownHost(host: string): readonly Unknown[] {
  return host === '' ? [{ path: 'http.host', because: 'unparsed' }] : []
}

function hostName(host: string): string {
  const found = /^(?:\[([^\]]+)\]|([^:]+))(?::\d+)?$/.exec(host.toLowerCase())
  return found?.[1] ?? found?.[2] ?? host.toLowerCase()
}
