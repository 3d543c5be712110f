import { describe, expect, it } from 'vitest'
import type { CredentialName } from '../contract/ids.ts'
import type { CredentialUse } from '../contract/profile.ts'
import { chooseUse } from './choose-login.ts'
import { aCredential } from './serving.fixture.ts'

const agent = { user: 'agent_ro', database: 'orders' }
const free: CredentialUse = { name: 'free' as CredentialName, type: 'passthrough', settings: {}, disambiguator: {} }

/** A login as a user; with `by`, picked by these fields. */
function aLogin(name: string, user: string, by: CredentialUse['disambiguator'] = {}): CredentialUse {
  return aCredential(name, 'postgres_credential', { settings: { user }, disambiguator: by })
}

function aCertificate(name: string): CredentialUse {
  return aCredential(name, 'mtls_credential')
}

describe('chooseUse()', () => {
  it('takes the only one there is, whatever it asks for', () => {
    const only = aLogin('only', 'x', { user: 'somebody_else' })
    expect(chooseUse([only], agent)).toBe(only)
    expect(chooseUse([free], agent)).toBe(free)
    expect(chooseUse([], agent)).toBeNull()
  })

  it('takes the one with most constraints that hold', () => {
    const fallback = aLogin('fallback', 'x')
    const byUser = aLogin('user', 'agent_ro', { user: 'agent_ro' })
    const byBoth = aLogin('both', 'agent_ro', { user: 'agent_ro', database: 'orders' })
    const all = [fallback, byUser, byBoth]
    expect(chooseUse(all, agent)).toBe(byBoth)
    expect(chooseUse(all, { ...agent, database: 'crm' })).toBe(byUser)
    expect(chooseUse(all, { ...agent, user: 'other' })).toBe(fallback)
  })

  it('takes the one whose placeholder is in user or password, the longest of those', () => {
    const live = aLogin('live', 'x', { placeholder: 'PH_live' })
    const second = aLogin('second', 'x', { placeholder: 'PH_live_2' })
    expect(chooseUse([live, second], { ...agent, user: 'PH_live_2' })).toBe(second)
    expect(chooseUse([live, second], { ...agent, user: 'PH_live' })).toBe(live)
    expect(chooseUse([live, second], { ...agent, password: 'PH_live' })).toBe(live)
  })

  it('says what was tried when none fits, or two do', () => {
    const some = [aLogin('a', 'a', { user: 'a' }), aLogin('b', 'b', { user: 'b', database: 'crm' })]
    expect(chooseUse(some, agent)).toBe(
      'no credential, or more than one, fits database "orders" (known: crm) and user "agent_ro" (known: a, b)',
    )
    expect(chooseUse([aLogin('a', 'a'), aLogin('b', 'b')], agent)).toBe(
      'no credential, or more than one, fits the session',
    )
  })

  it('takes a client certificate only where there is no login', () => {
    const certificate = aCertificate('device')
    expect(chooseUse([certificate], agent)).toBe(certificate)
    const login = aLogin('login', 'x')
    expect(chooseUse([certificate, login], agent)).toBe(login)
  })
})
