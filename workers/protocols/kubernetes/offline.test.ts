import { describe, expect, it } from 'vitest'
import type { DescribedAction } from '../../contract/described.ts'
import type { EndpointName } from '../../contract/ids.ts'
import type { Endpoint, Limits } from '../../contract/profile.ts'
import { decodeOffline } from './offline.ts'

const endpoint: Endpoint = {
  name: 'cluster' as EndpointName,
  protocol: 'kubernetes',
  hosts: ['cluster.test'],
  settings: {},
  credentials: [],
  rules: [],
  unmatched: 'allow',
  via: null,
}
const limits = { inspectBytes: 1024 } as Limits

function seen(action: DescribedAction) {
  const [only] = decodeOffline({ host: 'cluster.test', ...action }, endpoint, limits)
  if (only === undefined) throw new Error('nothing was seen')
  return only
}
const unknownPaths = (action: DescribedAction) => seen(action).unknowns.map(({ path }) => path)

describe('a described Kubernetes call', () => {
  const http = { method: 'DELETE', path: '/apis/apps/v1/namespaces/web/deployments/api', query: {} }

  it('is what its request says', () => {
    const { facts, unknowns } = seen({ http })
    expect(facts.k8s).toMatchObject({ verb: 'delete', resource: 'deployments', group: 'apps', name: 'api' })
    expect(facts.http).toMatchObject({ method: 'delete', path: http.path, host: 'cluster.test' })
    expect(unknowns).toEqual([])
  })

  it('may say the same twice, and nothing else', () => {
    expect(seen({ http, k8s: { verb: 'DELETE', namespace: 'web' } }).facts.k8s).toMatchObject({ name: 'api' })
    expect(() => seen({ http, k8s: { name: 'db' } })).toThrow('k8s.name: given is "db", the request says "api"')
    expect(() => seen({ http, k8s: { params: { force: 'true' } } })).toThrow('k8s.params.force')
  })

  it('leaves unknown what does not follow from it alone', () => {
    expect(unknownPaths({ k8s: { verb: 'create', resource: 'pods' } })).toEqual([
      'k8s.group',
      'k8s.version',
      'http.path',
      'http.headers',
      'http.body',
      'http.body_json',
    ])
    const { facts } = seen({ k8s: { verb: 'create', resource: 'pods', params: { a: '1' } } })
    expect(facts.http).toMatchObject({ method: 'post', query: { a: ['1'] }, scheme: 'https' })
    expect(facts.k8s).toMatchObject({ is_collection: false, all_params: { a: ['1'] } })
  })

  it('is unknown where it is no call, or said to be', () => {
    expect(unknownPaths({ http: { ...http, path: '/logs/x' } })).toContain('k8s.verb')
    expect(unknownPaths({ k8s: { verb: 'get' }, unparseable: true })).toContain('k8s.verb')
  })
})
