import { describe, expect, it } from 'vitest'
import type { HttpInjection } from '../contract/plugin.ts'
import { credentials } from './index.ts'
import { credentialRuntime } from './runtimes.ts'

/** A GET of `/p` with these headers, lower case. */
function aRequest(headers: { [name: string]: string }, method = 'GET'): HttpInjection {
  return {
    method,
    path: '/p',
    host: 'a.test',
    get: (name) => headers[name],
    set: (name, value) => {
      headers[name.toLowerCase()] = value
    },
    delete: (name) => {
      delete headers[name]
    },
  }
}

function inject(
  type: string,
  settings: object,
  secret: string,
  headers: { [name: string]: string } = {},
  method = 'GET',
) {
  credentialRuntime(type).http?.(settings)(aRequest(headers, method), { '': secret })
  return headers
}

describe('the code of the credential types', () => {
  const served = credentials.filter(({ isServed }) => isServed)

  it.each(served.map(({ type, fills }) => [type, fills] as const))('%s fills exactly %j', (type, fills) => {
    expect(Object.keys(credentialRuntime(type)).sort()).toEqual([...fills].sort())
  })

  it('has nothing for other types', () => {
    expect(() => credentialRuntime('ssh_key')).toThrow('no runtime')
    expect(() => credentialRuntime('constructor')).toThrow('no runtime')
  })

  it('bearer_token takes line ends around the secret for the file it came from', () => {
    expect(inject('bearer_token', {}, '\ntoken\r\n')).toEqual({ authorization: 'Bearer token' })
    expect(() => inject('bearer_token', {}, '\n')).toThrow('empty')
  })

  it('bearer_token adds a key of its own to writing requests that have none', () => {
    const settings = { idempotency_key: true }
    expect(inject('bearer_token', settings, 't')).not.toHaveProperty('idempotency-key')
    expect(inject('bearer_token', settings, 't', {}, 'POST')['idempotency-key']).toMatch(/^[0-9a-f-]{36}$/)
    expect(inject('bearer_token', settings, 't', { 'idempotency-key': 'mine' }, 'POST')['idempotency-key']).toBe('mine')
    expect(inject('bearer_token', {}, 't', {}, 'POST')).not.toHaveProperty('idempotency-key')
  })

  it('basic_auth sends UTF-8', () => {
    const { authorization = '' } = inject('basic_auth', { username: 'bot' }, 'pä:ss')
    expect(Buffer.from(authorization.slice(6), 'base64').toString()).toBe('bot:pä:ss')
  })

  it('cookie_token replaces a cookie of the name and no other', () => {
    const sent = { cookie: 'a=1; sid=mine;sid = too; xsid=2;' }
    expect(inject('cookie_token', { cookie_name: 'sid' }, 's', sent)).toEqual({ cookie: 'a=1; xsid=2; sid=s' })
    expect(inject('cookie_token', { cookie_name: 'sid' }, 's')).toEqual({ cookie: 'sid=s' })
    expect(() => inject('cookie_token', { cookie_name: 'sid' }, 's; admin=1')).toThrow('no cookie value')
    expect(inject('cookie_token', {}, 's')).toEqual({})
    expect(inject('cookie_token', { cookie_name: '' }, 's')).toEqual({})
  })

  it('mtls_credential needs certificate and key, and takes roots where there are some', () => {
    const make = credentialRuntime('mtls_credential').tls?.({})
    expect(make?.({ cert: 'C', key: 'K', ca: ' ' })).toEqual({ cert: 'C', key: 'K' })
    expect(make?.({ cert: 'C', key: 'K', ca: 'A' })).toEqual({ cert: 'C', key: 'K', ca: 'A' })
    expect(() => make?.({ cert: 'C' })).toThrow('slot "key"')
  })
})
