import { describe, expect, it } from 'vitest'
import type { DescribedAction } from '../../contract/described.ts'
import { sql as family } from '../../contract/families/sql.ts'
import type { CredentialName, EndpointName } from '../../contract/ids.ts'
import type { CredentialUse, Endpoint, Limits } from '../../contract/profile.ts'
import { loadOffline } from './offline.ts'

const use = (name: string, disambiguator: CredentialUse['disambiguator']): CredentialUse => ({
  name: name as CredentialName,
  type: 'postgres_credential',
  settings: {},
  disambiguator,
})
const endpoint: Endpoint = {
  name: 'db' as EndpointName,
  protocol: 'postgres',
  hosts: ['db.test:5432'],
  settings: {},
  credentials: [use('stage', { database: 'stage' }), use('rest', {})],
  rules: [],
  unmatched: 'allow',
  via: null,
}
const decode = await loadOffline()
const seen = (action: DescribedAction) => decode(action, endpoint, {} as Limits)
/** But for settings, which PostgreSQL does not have. */
const unknown = (action: DescribedAction) =>
  seen(action)[0]
    ?.unknowns.filter(({ path }) => path !== 'sql.settings')
    .map(({ path, because }) => `${path} ${because}`)
const all = (because: string, ...known: readonly string[]) =>
  family.facts.filter(({ name }) => !known.includes(name)).map(({ name }) => `sql.${name} ${because}`)

describe('described SQL', () => {
  it('is one part for each statement, with the session around it', () => {
    const parts = seen({ sql: { statement: 'SELECT 1; DELETE FROM t', database: 'stage' } })
    expect(parts.map(({ facts }) => facts.sql)).toMatchObject([
      { verb: 'select', database: 'stage', statement_count: 2 },
      { verb: 'delete', database: 'stage', tables: ['t'] },
    ])
    expect(parts.map(({ credential }) => credential)).toEqual(['stage', 'stage'])
    expect(seen({ sql: { statement: 'SELECT 1' } })[0]?.credential).toBe('rest')
  })

  it('is unknown but for the database when it is truncated', () => {
    const paths = all('truncated', 'database', 'settings')
    expect(unknown({ truncated: true, sql: { statement: 'SELECT 1' } })?.sort()).toEqual([...paths].sort())
    expect(unknown({ sql: { statement: `SELECT '${'x'.repeat(1024 * 1024)}'` } })?.sort()).toEqual([...paths].sort())
  })

  it('is unknown but for its text when it cannot be read', () => {
    const paths = all('unparsed', 'database', 'statement', 'statement_count', 'params', 'settings')
    expect(unknown({ unparseable: true, sql: { statement: 'SELECT 1' } })).toEqual(paths)
    expect(unknown({ sql: { statement: 'SELEKT 1' } })?.sort()).toEqual([...paths].sort())
  })

  it('has the parameters that are given; where they are not, a text that may take some leaves them unknown', () => {
    const statement = 'SELECT * FROM t WHERE id = $1'
    expect(seen({ sql: { statement, params: { 1: '7' } } })[0]).toMatchObject({
      facts: { sql: { params: { 1: '7' } } },
      unknowns: [],
    })
    expect(unknown({ sql: { statement } })).toEqual(['sql.params undecodable'])
    expect(seen({ sql: { statement, prepare: true } })[0]).toMatchObject({ unknowns: [], pending: ['sql.params'] })
  })

  it('takes what is given where it cannot be read, and compares where it can', () => {
    const [only] = seen({ sql: { statement: 'SELEKT 1', verb: 'DELETE', tables: ['b', 'a'] } })
    expect(only).toMatchObject({
      facts: {
        sql: { verb: 'delete', verbs: ['delete'], tables: ['a', 'b'], is_write: true, target_tables: ['a', 'b'] },
      },
      unknowns: [],
    })
    expect(() => seen({ sql: { statement: 'SELECT f()', functions: ['g'] } })).toThrow('sql.functions: given is ["g"]')
    expect(seen({ sql: { statement: 'SELECT F(1)', verb: 'SELECT', functions: ['f'], tables: [] } })).toHaveLength(1)
  })
})
