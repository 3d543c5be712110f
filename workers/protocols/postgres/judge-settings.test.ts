import { describe, expect, it } from 'vitest'
import type { Action } from '../../contract/action.ts'
import type { ActionId } from '../../contract/ids.ts'
import type { Closing, Session } from '../../contract/plugin.ts'
import type { Ruling } from '../../contract/verdict.ts'
import { gate } from '../../rules/gate.ts'
import { SearchPath } from '../../wire/sql/search-path.ts'
import type { PostgresSettings } from './definition.ts'
import { judgeSettings } from './judge-settings.ts'
import { loadAnalyser } from './statement.ts'

const analyse = await loadAnalyser()
const facts = { database: 'orders', user: 'agent', credential: null, path: new SearchPath() }
const searchPath = { name: 'search_path', value: 'x' }
const role = { name: 'role', value: 'owner' }
const harmless = { name: 'application_name', value: 'psql' }

/** A session that denies SET ROLE, and how its actions were closed. */
function aSession(): { readonly session: Session<PostgresSettings>; readonly closed: Closing[] } {
  const closed: Closing[] = []
  const deny: Ruling = { kind: 'deny', decider: { by: 'default', setting: 'unmatched' }, reason: 'no roles' }
  const allow: Ruling = { kind: 'allow', decider: { by: 'default', setting: 'unmatched' } }
  const session: Pick<Session, 'judge' | 'close'> = {
    judge: async ({ title }) => {
      const action = { id: title as ActionId } as Action
      return { action, ruling: gate(action.id, /role/i.test(title) ? deny : allow) }
    },
    close: (_, closing) => void closed.push(closing),
  }
  return { session: session as Session<PostgresSettings>, closed }
}

describe('judgeSettings()', () => {
  it('gives allowed settings out once, whole', async () => {
    const { session, closed } = aSession()
    const judged = await judgeSettings(session, [harmless, searchPath], facts, analyse)
    if (judged.kind !== 'allowed') throw new Error('it was denied')
    expect(judged.take()).toEqual([harmless, searchPath])
    expect(() => judged.take()).toThrow('it was redeemed before')
    judged.close(null)
    expect(closed).toMatchObject([{ status: 'SET', error: null }])
  })

  it('denies all where one is denied', async () => {
    const { session, closed } = aSession()
    const judged = await judgeSettings(session, [searchPath, role], facts, analyse)
    expect(judged.kind === 'denied' && judged.told.toString()).toContain('no roles')
    expect(closed).toMatchObject([{ status: 'denied' }, { status: 'error', error: expect.stringContaining('not run') }])
  })
})
