import { describe, expect, it } from 'vitest'
import type { CredentialName, EndpointName } from '../../contract/ids.ts'
import type { Session } from '../../contract/plugin.ts'
import type { Endpoint } from '../../contract/profile.ts'
import type { PostgresSettings } from './definition.ts'
import { aLogin } from './session.fixture.ts'
import { Standing } from './standing.ts'

type PostgresEndpoint = Endpoint & { readonly settings: PostgresSettings }

const opened: PostgresEndpoint = {
  name: 'db' as EndpointName,
  protocol: 'postgres',
  hosts: ['db.test:5432'],
  settings: { host: 'db.test:5432', ca_cert: undefined },
  credentials: [aLogin('app', 'app')],
  rules: [],
  unmatched: 'allow',
  via: null,
}

/** What becomes of a session with the credential when its endpoint is this one from then on. */
function checkWith(next: PostgresEndpoint | null, credential = 'app' as CredentialName | null): () => void {
  let current: PostgresEndpoint | null = opened
  const session = { endpoint: () => current } as Session<PostgresSettings>
  const standing = new Standing(session, credential)
  standing.check()
  current = next
  return () => standing.check()
}

describe('Standing', () => {
  it('lets a session go on when the rules change', () => {
    expect(checkWith({ ...opened, unmatched: 'deny' })).not.toThrow()
    expect(checkWith({ ...opened, credentials: [aLogin('other', 'o'), aLogin('app', 'app')] })).not.toThrow()
    expect(checkWith({ ...opened, credentials: [] }, null)).not.toThrow()
  })

  it.each([
    ['the endpoint is gone', null, 'no longer in the policy'],
    [
      'the endpoint leads elsewhere',
      { ...opened, settings: { host: 'other.test:5432', ca_cert: undefined } },
      'another server',
    ],
    [
      'its credential was taken away',
      { ...opened, credentials: [aLogin('other', 'o')] },
      '"app" may no longer be used',
    ],
  ])('ends a session when %s', (_, next, words) => {
    expect(checkWith(next)).toThrow(words)
  })
})
