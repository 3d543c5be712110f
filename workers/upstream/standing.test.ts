import { describe, expect, it } from 'vitest'
import type { CredentialName, EndpointName } from '../contract/ids.ts'
import type { Session } from '../contract/plugin.ts'
import type { Endpoint } from '../contract/profile.ts'
import { aCredential } from './serving.fixture.ts'
import { Standing } from './standing.ts'

interface Settings {
  readonly host: string
}

type OpenEndpoint = Endpoint & { readonly settings: Settings }

const opened: OpenEndpoint = {
  name: 'db' as EndpointName,
  protocol: 'postgres',
  hosts: ['db.test:5432'],
  settings: { host: 'db.test:5432' },
  credentials: [aCredential('app', 'postgres_credential')],
  rules: [],
  unmatched: 'allow',
  via: null,
}

/** What becomes of a session with the credential when its endpoint is this one from then on. */
function checkWith(next: OpenEndpoint | null, credential = 'app' as CredentialName | null): () => void {
  let current: OpenEndpoint | null = opened
  const session = { endpoint: () => current } as Session<Settings>
  const standing = new Standing(session, credential, ({ host }) => host)
  standing.check()
  current = next
  return () => standing.check()
}

describe('Standing', () => {
  it('lets a session go on when the rules change', () => {
    expect(checkWith({ ...opened, unmatched: 'deny' })).not.toThrow()
    expect(
      checkWith({
        ...opened,
        credentials: [aCredential('other', 'postgres_credential'), aCredential('app', 'postgres_credential')],
      }),
    ).not.toThrow()
    expect(checkWith({ ...opened, credentials: [] }, null)).not.toThrow()
  })

  it.each([
    ['the endpoint is gone', null, 'no longer in the policy'],
    ['the endpoint leads elsewhere', { ...opened, settings: { host: 'other.test:5432' } }, 'another server'],
    [
      'its credential was taken away',
      { ...opened, credentials: [aCredential('other', 'postgres_credential')] },
      '"app" may no longer be used',
    ],
  ])('ends a session when %s', (_, next, words) => {
    expect(checkWith(next)).toThrow(words)
  })
})
