import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { fields } from '../contract/fields.ts'
import { credentialNamed, credentials } from './index.ts'

const accepts = (type: string, settings: unknown) => credentialNamed(type)?.settings.safeParse(settings).success

describe('the credential types', () => {
  it('are the six of this version, each once', () => {
    expect(credentials.map(({ type }) => type).sort()).toEqual([
      'basic_auth',
      'bearer_token',
      'cookie_token',
      'header_token',
      'mtls_credential',
      'passthrough',
    ])
    expect(credentialNamed('ssh_key')).toBeUndefined()
  })

  it('say what they fill, which secrets they need and what may pick them', () => {
    const facts = credentials.map(({ type, fills, slots, disambiguators }) => [
      type,
      fills,
      slots.map(({ name }) => name),
      disambiguators,
    ])
    expect(facts).toEqual([
      ['basic_auth', ['http'], [''], ['placeholder']],
      ['bearer_token', ['http'], [''], ['placeholder']],
      ['cookie_token', ['http'], [''], ['placeholder']],
      ['header_token', ['http'], [''], ['placeholder']],
      ['mtls_credential', ['tls'], ['cert', 'key', 'ca'], []],
      ['passthrough', [], [], []],
    ])
  })

  it.each([
    ['basic_auth', { username: 'bot' }, [{}, { username: 'a:b' }, { username: 'a\nb' }]],
    ['bearer_token', { idempotency_key: 'true' }, [{ idempotency_key: 'yes' }, { token: 'x' }]],
    [
      'cookie_token',
      { cookie_name: 'session' },
      [{}, { cookie_name: '' }, { cookie_name: 'a b' }, { cookie_name: 'a;b' }],
    ],
    [
      'header_token',
      { header: 'X-Api-Key', prefix: 'Token ' },
      [
        {},
        { header: '' },
        { header: 'X Key' },
        { header: 'Host' },
        { header: 'content-length' },
        { header: 'X', prefix: 'a\r\nb' },
      ],
    ],
    ['mtls_credential', {}, [{ cert: 'x' }]],
    ['passthrough', {}, [{ secret: 'x' }]],
  ])('%s takes its settings and refuses others', (type, right, wrong) => {
    expect(accepts(type, right)).toBe(true)
    expect(wrong.map((settings) => accepts(type, settings))).toEqual(wrong.map(() => false))
  })

  it('document every attribute', () => {
    for (const { type, settings } of credentials) {
      const shape = settings instanceof z.ZodObject ? (settings.shape as { [name: string]: z.ZodType }) : {}
      for (const [name, schema] of Object.entries(shape))
        expect(fields.get(schema)?.doc, `${type}.${name}`).toMatch(/\.$/)
    }
  })
})
