import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { k8s } from '../../contract/families/k8s.ts'
import { type KubernetesFacts, noFacts, nothingKnown, readCall, type SeenCall } from './facts.ts'
import { serverReads } from './server.fixture.ts'

/** A request line as a worker would hand it over. */
function call(line: string): SeenCall {
  const [method = '', target = ''] = line.split(' ')
  const [path = '', search = ''] = target.split('?')
  const names = [...new URLSearchParams(search).keys()]
  const query = Object.fromEntries(names.map((name) => [name, new URLSearchParams(search).getAll(name)]))
  return readCall({ method, path: decodeURIComponent(path), query, target })
}

function known(line: string): KubernetesFacts {
  const { facts, unknowns } = call(line)
  expect(unknowns).toEqual([])
  return facts
}

const unknownPaths = ({ unknowns }: SeenCall) => unknowns.map(({ path }) => path)
const everything = k8s.facts.map(({ name }) => `k8s.${name}`)

describe('readCall() on what the API server knows', () => {
  it.each<[string, Partial<KubernetesFacts>]>([
    ['GET /api/v1/pods', { verb: 'list', resource: 'pods', version: 'v1', is_collection: true }],
    [
      'GET /api/v1/namespaces/web/secrets/db',
      { verb: 'get', resource: 'secrets', namespace: 'web', name: 'db', version: 'v1' },
    ],
    ['POST /api/v1/namespaces/web/pods', { verb: 'create', resource: 'pods', namespace: 'web', version: 'v1' }],
    [
      'PUT /apis/apps/v1/namespaces/web/deployments/api',
      { verb: 'update', resource: 'deployments', namespace: 'web', name: 'api', group: 'apps', version: 'v1' },
    ],
    [
      'PATCH /apis/apps/v1/namespaces/web/deployments/api/scale',
      { verb: 'patch', resource: 'deployments/scale', namespace: 'web', name: 'api', group: 'apps', version: 'v1' },
    ],
    [
      'DELETE /api/v1/namespaces/web/pods',
      { verb: 'delete', resource: 'pods', namespace: 'web', version: 'v1', is_collection: true },
    ],
    [
      'DELETE /api/v1/namespaces/web/pods/api-1',
      { verb: 'delete', resource: 'pods', namespace: 'web', name: 'api-1', version: 'v1' },
    ],
    ['GET /api/v1/nodes/n1', { verb: 'get', resource: 'nodes', name: 'n1', version: 'v1' }],
    ['GET /api/v1/pods/', { verb: 'list', resource: 'pods', version: 'v1', is_collection: true }],
    ['get /api/v1/pods', { verb: 'list', resource: 'pods', version: 'v1', is_collection: true }],
    ['HEAD /api/v1/nodes', { verb: 'list', resource: 'nodes', version: 'v1', is_collection: true }],
    ['HEAD /api/v1/nodes/n1', { verb: 'get', resource: 'nodes', name: 'n1', version: 'v1' }],
    [
      'GET /apis/metrics.k8s.io/v1beta1/namespaces/web/pods/p',
      { verb: 'get', resource: 'pods', namespace: 'web', name: 'p', group: 'metrics.k8s.io', version: 'v1beta1' },
    ],
    [
      'GET /apis/custom.metrics.k8s.io/v1beta1/namespaces/web/pods/*/http_requests',
      {
        verb: 'get',
        resource: 'pods/http_requests',
        namespace: 'web',
        name: '*',
        group: 'custom.metrics.k8s.io',
        version: 'v1beta1',
      },
    ],
    [
      'GET /apis/rbac.authorization.k8s.io/v1/clusterroles/system%3Anode',
      {
        verb: 'get',
        resource: 'clusterroles',
        name: 'system:node',
        group: 'rbac.authorization.k8s.io',
        version: 'v1',
      },
    ],
    [
      'PUT /apis/subresources.kubevirt.io/v1/namespaces/web/virtualmachines/vm/portforward/22/tcp',
      {
        verb: 'update',
        resource: 'virtualmachines/portforward',
        namespace: 'web',
        name: 'vm',
        group: 'subresources.kubevirt.io',
        version: 'v1',
      },
    ],
  ])('%s', (line, facts) => {
    expect(known(line)).toEqual({ ...noFacts, ...facts })
  })

  it.each<[string, Partial<KubernetesFacts>]>([
    ['GET /api/v1/namespaces', { verb: 'list', resource: 'namespaces', is_collection: true }],
    ['POST /api/v1/namespaces', { verb: 'create', resource: 'namespaces' }],
    ['GET /api/v1/namespaces/web', { verb: 'get', resource: 'namespaces', namespace: 'web', name: 'web' }],
    ['DELETE /api/v1/namespaces/web', { verb: 'delete', resource: 'namespaces', namespace: 'web', name: 'web' }],
    [
      'PUT /api/v1/namespaces/web/finalize',
      { verb: 'update', resource: 'namespaces/finalize', namespace: 'web', name: 'web' },
    ],
    [
      'PATCH /api/v1/namespaces/web/status',
      { verb: 'patch', resource: 'namespaces/status', namespace: 'web', name: 'web' },
    ],
  ])('%s is about the namespace itself', (line, facts) => {
    expect(known(line)).toEqual({ ...noFacts, version: 'v1', ...facts })
  })

  it.each([
    ['true', 'watch'],
    ['TRUE', 'watch'],
    ['1', 'watch'],
    ['t', 'watch'],
    ['', 'watch'],
    ['no', 'watch'],
    ['0', 'list'],
    ['false', 'list'],
    ['False', 'list'],
  ])('reads watch=%s as the server does: %s', (value, verb) => {
    expect(known(`GET /api/v1/secrets?watch=${value}`).verb).toBe(verb)
    expect(known(`HEAD /api/v1/secrets?watch=${value}`).verb).toBe(verb)
  })

  it.each([
    ['GET /api/v1/secrets?watch=false&watch=true'],
    ['GET /api/v1/secrets?watch=fal%C5%BFe'],
    ['GET /api/v1/namespaces/web/secrets/db?watch=true'],
    ['OPTIONS /api/v1/pods'],
    ['BREW /api/v1/pods'],
  ])('%s leaves the verb alone unknown', (line) => {
    const seen = call(line)
    expect(seen.unknowns).toEqual([{ path: 'k8s.verb', because: 'unparsed' }])
    expect(seen.facts.resource).not.toBe('')
  })

  it.each<[string, Partial<KubernetesFacts>]>([
    ['GET /api/v1/watch/secrets', { resource: 'secrets', is_collection: true }],
    ['GET /api/v1/watch/namespaces/web/secrets/db', { resource: 'secrets', namespace: 'web', name: 'db' }],
    ['GET /api/v1/watch/namespaces', { resource: 'namespaces', is_collection: true }],
  ])('%s is a watch', (line, facts) => {
    expect(known(line)).toEqual({ ...noFacts, verb: 'watch', version: 'v1', ...facts })
  })

  it.each([
    '/api',
    '/apis',
    '/api/',
    '/api/v1',
    '/apis/apps',
    '/apis/apps/v1',
    '/healthz',
    '/healthz/ping',
    '/livez/etcd',
    '/readyz/poststarthook/x',
    '/version',
    '/metrics',
    '/openapi',
    '/openapi/v3/apis/apps/v1',
  ])('GET %s is meta', (path) => {
    expect(known(`GET ${path}`)).toEqual({ ...noFacts, verb: 'meta' })
    expect(known(`HEAD ${path}`)).toEqual({ ...noFacts, verb: 'meta' })
    // DELETE /metrics resets them
    expect(unknownPaths(call(`DELETE ${path}`))).toEqual(everything)
  })
})

describe('readCall() on parameters', () => {
  it('keeps all values, and the first of each apart', () => {
    const facts = known('POST /api/v1/namespaces/web/pods/p/exec?command=rm&command=-rf&command=%2F&stdin=true&x')
    expect(facts.params).toEqual({ command: 'rm', stdin: 'true', x: '' })
    expect(facts.all_params).toEqual({ command: ['rm', '-rf', '/'], stdin: ['true'], x: [''] })
    expect([facts.verb, facts.resource]).toEqual(['create', 'pods/exec'])
  })

  it('takes names that objects have of their own', () => {
    const facts = known('GET /api/v1/pods?__proto__=a&__proto__=b&constructor=c')
    expect(Object.entries(facts.params)).toEqual([
      ['__proto__', 'a'],
      ['constructor', 'c'],
    ])
    expect(facts.verb).toBe('list')
  })

  it('does not know them, nor what a read is, when they cannot be decoded', () => {
    const get = readCall({ method: 'GET', path: '/api/v1/pods', query: null })
    expect(get.unknowns).toEqual([
      { path: 'k8s.params', because: 'undecodable' },
      { path: 'k8s.all_params', because: 'undecodable' },
      { path: 'k8s.verb', because: 'undecodable' },
    ])
    expect(unknownPaths(readCall({ method: 'DELETE', path: '/api/v1/pods', query: null }))).toEqual([
      'k8s.params',
      'k8s.all_params',
    ])
  })

  it('does not know them where servers differ on where one ends', () => {
    expect(unknownPaths(call('GET /api/v1/pods?limit=1;watch=1'))).toEqual(['k8s.params', 'k8s.all_params', 'k8s.verb'])
    expect(known('POST /api/v1/namespaces/web/pods/p/exec?command=a%3Bb').params).toEqual({ command: 'a;b' })
  })
})

describe('readCall() on what is proxied', () => {
  it.each([
    ['/api/v1/nodes/n1/proxy', ''],
    ['/api/v1/nodes/n1/proxy/', '/'],
    ['/api/v1/nodes/n1/proxy/run/web/p/c', '/run/web/p/c'],
    ['/api/v1/nodes/n1/proxy/run/', '/run/'],
    ['/api/v1/nodes/n1/proxy/a%20b', '/a b'],
    ['/api/v1/namespaces/web/services/https:api:8443/proxy/healthz', '/healthz'],
  ])('%s goes to %j', (path, proxyPath) => {
    const facts = known(`POST ${path}`)
    expect(facts.resource).toMatch(/^(nodes|services)\/proxy$/)
    expect([facts.verb, facts.proxy_path]).toEqual(['create', proxyPath])
  })

  it.each([
    '/api/v1/nodes/n1/proxy//run/x',
    '/api/v1/nodes/n1/proxy/run//',
    '/api/v1/nodes/n1/proxy/logs%2F..%2Frun',
    '/api/v1/nodes/n1/proxy/a%252fb',
    '/api/v1/nodes/n1/proxy/a%5Cb',
    '/api/v1/nodes/n1/proxy/a;b',
  ])('%s does not tell where it goes', (path) => {
    expect(unknownPaths(call(`GET ${path}`))).toEqual(path.includes('..') ? everything : ['k8s.proxy_path'])
  })

  it('has no path where nothing is proxied', () => {
    expect(known('GET /api/v1/namespaces/web/pods/proxy').proxy_path).toBe('')
    expect(known('GET /api/v1/namespaces/proxy/pods/p').proxy_path).toBe('')
  })
})

describe('readCall() on what could be read in two ways', () => {
  it.each([
    '/',
    '',
    '*',
    'api/v1/pods',
    '/logs/kubelet.log',
    '/debug/pprof/heap',
    '/.well-known/openid-configuration',
    '/metrics/slis',
    '//api/v1/secrets',
    '/api//v1/secrets',
    '/api/v1//secrets',
    '/api/v1/secrets//',
    '/api/v1/namespaces//secrets',
    '/api/v1/namespaces/web//secrets/db',
    '/api/v1/namespaces/web/secrets//db',
    '/api/v1/namespaces/web/pods/p/log//x',
    '/api/v1/./secrets',
    '/api/v1/namespaces/dev/pods/../secrets/db',
    '/api/v1/namespaces/dev/../prod/secrets/db',
    '/api/v1/namespaces/dev/%2e%2e/prod/secrets/db',
    '/api/v1/namespaces/dev/pods/p/proxy/../../../secrets/db',
    '/api/v1/namespaces/dev/pods/p/proxy/..;x/..%5C../secrets',
    '/api/v1/namespaces/dev/pods/p/proxy/..',
    '/api/v1/namespaces/a%2Fb/secrets/db',
    '/api/v1%2Fnamespaces/web/secrets/db',
    '/api/v1/namespaces/web/pods/x%2f..%2fsecrets',
    '/api/v1/namespaces/web/secrets%2Fdb',
    '/api/v1/namespaces/web/secrets/a%5Cb',
    '/api/v1/namespaces/web/secrets/a%252Fb',
    '/api/v1/namespaces/web/secrets;v=1/db',
    '/api/v1/namespaces/web/secrets/db%00',
    '/api/v1/namespaces/web/secrets/db%3Fx',
    '/api/v1/namespaces/web/Secrets/db',
    '/api/v1/namespaces/web/secrets%20/db',
    '/api/v1/namespaces/web/pods/p/E%78ec',
    '/api/v1/namespaces/WEB/pods',
    '/api/V1/pods',
    '/apis/Apps/v1/deployments',
    '/apis//v1/secrets',
    '/api/v1/watch',
    '/apis/apps/v1/watch',
    '/api/v1/proxy/nodes/n1/run',
    '/api/v1/proxy/namespaces/web/services/s',
  ])('knows nothing of %s', (path) => {
    expect(call(`GET ${path}`)).toEqual(nothingKnown('unparsed'))
  })

  it('knows nothing of a write to a path that only ever watched', () => {
    expect(unknownPaths(call('DELETE /api/v1/watch/secrets'))).toEqual(everything)
  })

  it('knows nothing of a path that cannot be decoded', () => {
    expect(readCall({ method: 'GET', path: null, query: {} })).toEqual(nothingKnown('undecodable'))
  })

  it('names every fact of the family when it knows none', () => {
    expect(unknownPaths(nothingKnown('unparsed'))).toEqual(everything)
    expect(Object.keys(noFacts).sort()).toEqual(k8s.facts.map(({ name }) => name).sort())
  })
})

const segment = fc.oneof(
  fc.constantFrom(
    ...['api', 'apis', 'v1', 'apps', 'namespaces', 'web', 'secrets', 'pods', 'db', 'watch', 'proxy', 'exec', 'status'],
    ...['finalize', '', '.', '..', '%2F', 'secrets%2Fdb', '%2e%2e', 'Secrets', 'a;b', '%5C', '%252F', 'metrics'],
  ),
  fc.string({ unit: fc.constantFrom('a', 's', '/', '%2f', '.', ';', '*', '%41', '%20') }),
)
const target = fc
  .tuple(fc.array(segment, { maxLength: 10 }), fc.constantFrom('', '?watch=1', '?watch=0', '?a=1;b=2', '?limit=5'))
  .map(([segments, query]) => `/${segments.join('/')}${query}`)
const method = fc.constantFrom('GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS')
const shaped = fc
  .tuple(fc.constantFrom('/api/v1', '/apis/apps/v1', '/api/v1/watch', '/api/v1/namespaces/web'), target)
  .map(([start, rest]) => `${start}${rest}`)

describe('readCall() on anything', () => {
  it('never throws, and every fact is there', () => {
    const text = fc.oneof(fc.string({ unit: 'binary' }), fc.string(), target)
    fc.assert(
      fc.property(fc.string(), text, fc.option(text), (verb, path, sent) => {
        const request = { method: verb, path, query: {} }
        const { facts } = readCall(sent === null ? request : { ...request, target: sent })
        expect(Object.keys(facts)).toEqual(Object.keys(noFacts))
      }),
      { numRuns: 200 },
    )
  })

  it('agrees with the API server wherever it claims to know', () => {
    let compared = 0
    fc.assert(
      fc.property(method, fc.oneof(target, shaped), (verb, where) => {
        const line = `${verb} ${where}`
        const { facts, unknowns } = call(line)
        const hidden = new Set(unknowns.map(({ path }) => path.slice('k8s.'.length)))
        if (hidden.has('resource')) return
        const server = serverReads(verb, decodeURIComponent(where.split('?')[0] ?? ''), where.split('?')[1] ?? '')
        if (facts.verb === 'meta') {
          expect(server.isResource).toBe(false)
          return
        }
        compared += 1
        expect(server.isResource).toBe(true)
        const resource = server.sub === '' ? server.resource : `${server.resource}/${server.sub}`
        expect([facts.resource, facts.namespace, facts.name]).toEqual([resource, server.namespace, server.name])
        expect([facts.group, facts.version]).toEqual([server.group, server.version])
        if (!hidden.has('verb')) expect(facts.verb).toBe(server.verb.replace('deletecollection', 'delete'))
      }),
      { numRuns: 4000 },
    )
    expect(compared).toBeGreaterThan(100)
  })

  it('never hides that secrets are asked for', () => {
    fc.assert(
      fc.property(method, fc.oneof(target, shaped), (verb, where) => {
        const server = serverReads(verb, decodeURIComponent(where.split('?')[0] ?? ''), '')
        if (server.resource !== 'secrets') return
        const { facts, unknowns } = call(`${verb} ${where}`)
        const isHidden = unknowns.some(({ path }) => path === 'k8s.resource')
        expect(isHidden || facts.resource.split('/')[0] === 'secrets').toBe(true)
      }),
      { numRuns: 4000 },
    )
  })
})
