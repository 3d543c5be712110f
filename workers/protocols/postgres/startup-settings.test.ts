import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import type { AnalyseSql } from '../../contract/sql.ts'
import { settingStatements, startupSettings } from './startup-settings.ts'
import { loadAnalyser } from './statement.ts'

const settingsOf = (parameters: { readonly [name: string]: string }) =>
  startupSettings(new Map(Object.entries({ user: 'a', ...parameters })))

describe('startupSettings()', () => {
  it('takes settings out of options as the server does', () => {
    expect(settingsOf({ options: '-c a=1 -cb=2\t--c-d=x\\ y\\\\z  -c role=' })).toEqual([
      { name: 'a', value: '1' },
      { name: 'b', value: '2' },
      { name: 'c_d', value: 'x y\\z' },
      { name: 'role', value: '' },
    ])
  })

  it('lets the last one of a name win, a parameter over an option', () => {
    expect(settingsOf({ options: '-c DateStyle=iso -c datestyle=sql', datestyle: 'german', database: 'd' })).toEqual([
      { name: 'datestyle', value: 'german' },
    ])
  })

  it.each([
    '-e',
    '-S 64',
    '-W 3',
    '-c',
    '-c role',
    '-c =x',
    '--',
    '--role',
    'role=x',
    '-ec role=x',
    '-fs',
    '-crole',
  ])('refuses the switch %s', (options) => {
    expect(settingsOf({ options })).toMatchObject({ kind: 'refused', code: '42601' })
  })

  it('refuses names no setting has', () => {
    for (const name of ['a b', "x'", '1x', 'a;b', 'é', ''])
      expect(settingsOf({ [name]: 'v' })).toMatchObject({ kind: 'refused', code: '42704' })
  })
})

describe('settingStatements()', () => {
  let analyse: AnalyseSql
  beforeAll(async () => {
    analyse = await loadAnalyser()
  })

  it('says a role and a path as rules know them, and nothing of what is harmless', () => {
    const settings = [
      { name: 'TimeZone', value: 'UTC' },
      { name: 'ROLE', value: "o'wner\\" },
      { name: 'session_authorization', value: 'root' },
      { name: 'search_path', value: 'secret, public' },
    ]
    const statements = settingStatements(settings)
    expect(statements).toEqual([
      "SET ROLE E'o\\'wner\\\\'",
      "SET SESSION AUTHORIZATION E'root'",
      "SET search_path TO E'secret, public'",
    ])
    expect(statements.flatMap(analyse).map(({ facts, unknowns }) => [facts.verb, unknowns])).toEqual([
      ['set role', []],
      ['set session authorization', []],
      ['set', []],
    ])
  })

  it('is one statement whatever the value', () => {
    const name = fc.constantFrom('role', 'search_path', 'work_mem', 'my.own')
    fc.assert(
      fc.property(name, fc.string({ unit: 'binary', maxLength: 20 }), (setting, text) => {
        const value = text.replaceAll('\0', '')
        const [statement = '', ...more] = settingStatements([{ name: setting, value }])
        expect(more).toEqual([])
        expect(analyse(statement)).toHaveLength(1)
        expect(analyse(statement)[0]?.facts.verb).toMatch(/^set( role)?$/)
      }),
      { numRuns: 200 },
    )
  })
})
