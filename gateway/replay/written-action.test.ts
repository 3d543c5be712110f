import { describe, expect, it } from 'vitest'
import { describeWritten, type WrittenAction } from './written-action.ts'

const written = (family: WrittenAction['family'], text: string, rest: Partial<WrittenAction> = {}) =>
  describeWritten({ family, text, headers: [], body: null, host: null, database: null, params: null, ...rest })

describe('describeWritten()', () => {
  it('reads a request', () => {
    expect(
      written('http', 'DELETE https://API.test:8443/a%20b?q=1&q=+2&r', { headers: ['X-A: 1: 2'], body: 'x' }),
    ).toEqual({
      host: 'api.test:8443',
      http: {
        method: 'DELETE',
        path: '/a b',
        query: { q: ['1', ' 2'], r: [''] },
        headers: { 'X-A': ['1: 2'] },
        body: 'x',
      },
    })
    expect(written('http', 'GET https://api.test')).toMatchObject({ http: { path: '/' } })
    expect(written('http', 'GET /x', { host: 'api.test' })).toMatchObject({ host: 'api.test', http: { path: '/x' } })
  })

  it('leaves out what cannot be decoded', () => {
    expect(written('http', 'GET https://api.test/%zz?a=%zz')).toEqual({
      host: 'api.test',
      http: { method: 'GET', headers: {} },
    })
  })

  it.each<[string, Partial<ReturnType<typeof written>>]>([
    [
      'delete pods api-1 -n web',
      { k8s: { verb: 'delete', resource: 'pods', name: 'api-1', namespace: 'web', params: {} } },
    ],
    ['list pods --namespace=web', { k8s: { verb: 'list', resource: 'pods', name: '', namespace: 'web', params: {} } }],
    [
      'create pods/exec dbg stdin=true',
      { k8s: { verb: 'create', resource: 'pods/exec', name: 'dbg', namespace: '', params: { stdin: 'true' } } },
    ],
    ['meta', { k8s: { verb: 'meta', resource: '', name: '', namespace: '', params: {} } }],
    ['GET /api/v1/pods', { http: { method: 'GET', path: '/api/v1/pods', query: {}, headers: {} } }],
  ])('reads the call %s', (text, action) => {
    expect(written('k8s', text)).toEqual(action)
  })

  it.each([
    ['ci@box.test exec make test', { host: 'box.test', ssh: { verb: 'exec', user: 'ci', command: 'make test' } }],
    ['box.test pty', { host: 'box.test', ssh: { verb: 'pty', user: '' } }],
    [
      'ci@box.test:2222 subsystem sftp',
      { host: 'box.test:2222', ssh: { verb: 'subsystem', user: 'ci', subsystem: 'sftp' } },
    ],
    [
      'ci@box.test forward db.test:5432',
      { host: 'box.test', ssh: { verb: 'forward', user: 'ci', forward_host: 'db.test', forward_port: 5432 } },
    ],
  ])('reads the session %s', (text, action) => {
    expect(written('ssh', text)).toEqual(action)
  })

  it('takes SQL as it is', () => {
    expect(written('sql', 'SELECT 1', { database: 'd', host: 'db.test' })).toEqual({
      host: 'db.test',
      sql: { statement: 'SELECT 1', database: 'd' },
    })
    expect(written('sql', 'SELECT $1', { params: { 1: '7' } })).toEqual({
      sql: { statement: 'SELECT $1', params: { 1: '7' } },
    })
  })

  it.each<[WrittenAction['family'], string]>([
    ['http', 'DELETE'],
    ['http', 'GET api.test/x'],
    ['http', 'GET http://api.test/x'],
    ['k8s', 'delete'],
    ['k8s', 'delete pods a b c'],
    ['ssh', 'ci@box.test'],
    ['ssh', 'ci@box.test forward db'],
  ])('refuses %s %s', (family, text) => {
    expect(() => written(family, text)).toThrow(/cannot read the action/)
  })

  it('does not repeat a header that is none', () => {
    expect(() => written('http', 'GET https://a.test/', { headers: ['hunter2'] })).toThrow(
      /^--header is not 'Name: value'$/,
    )
  })
})
