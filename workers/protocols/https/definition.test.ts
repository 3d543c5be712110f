import { describe, expect, it } from 'vitest'
import { http } from '../../contract/families/http.ts'
import { fields } from '../../contract/fields.ts'
import { protocolNamed, protocols } from '../index.ts'
import { https } from './definition.ts'

const pem = '-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n'

describe('the https protocol', () => {
  it('is listed under its type', () => {
    expect(protocolNamed('https')).toBe(https)
    expect(protocolNamed('gopher')).toBeUndefined()
    expect(new Set(protocols.map(({ type }) => type)).size).toBe(protocols.length)
  })

  it('takes hosts, an upstream and roots, and claims the hosts', () => {
    const settings = https.settings.parse({ hosts: ['a.test'], upstream: '[::1]:9443', ca_cert: pem })
    expect(https.hosts(settings)).toEqual(['a.test'])
    expect(settings).toEqual({ hosts: ['a.test'], upstream: '[::1]:9443', ca_cert: pem })
  })

  it.each([
    [{}],
    [{ hosts: 'a.test' }],
    [{ hosts: ['a.test'], upstream: 'localhost' }],
    [{ hosts: ['a.test'], upstream: 'https://localhost:1' }],
    [{ hosts: ['a.test'], upstream: 'localhost:0' }],
    [{ hosts: ['a.test'], ca_cert: 'x' }],
    [{ hosts: ['a.test'], secret: 'x' }],
  ])('refuses %j', (settings) => {
    expect(https.settings.safeParse(settings).success).toBe(false)
  })

  it('offers rules exactly the facts of the language', () => {
    expect(http.facts.map(({ name }) => name)).toEqual([
      'method',
      'path',
      'query',
      'headers',
      'body',
      'body_json',
      'host',
      'scheme',
    ])
  })

  it('documents every attribute', () => {
    for (const [name, schema] of Object.entries(https.settings.shape))
      expect(fields.get(schema)?.doc, name).toMatch(/\.$/)
  })
})
