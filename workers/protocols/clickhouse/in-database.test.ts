import { describe, expect, it } from 'vitest'
import { inDatabase } from './in-database.ts'
import { parseText } from './parse-text.ts'

/** Tables and what is unknown of a text in a session with that database. */
function seen(text: string, database: string | null) {
  const [statement] = parseText(text)
  if (statement === undefined) throw new Error('no statement')
  const { facts, unknowns } = inDatabase(statement, database)
  return { tables: facts.tables, targets: facts.target_tables, unknowns: unknowns.map(({ path }) => path) }
}

describe('inDatabase()', () => {
  it.each([
    ['SELECT * FROM keys', 'Vault', ['keys', 'vault.keys'], []],
    ['SELECT * FROM a.keys JOIN `b.c` USING x', 'vault', ['`b.c`', 'a.keys', 'vault.`b.c`'], []],
    ['INSERT INTO keys SELECT * FROM a.b', 'vault', ['a.b', 'keys', 'vault.keys'], ['keys', 'vault.keys']],
    ['SELECT * FROM keys', 'we.ird', ['`we.ird`.keys', 'keys'], []],
    ['SELECT * FROM keys', '', ['keys'], []],
  ])('%s in %s', (text, database, tables, targets) => {
    expect(seen(text, database)).toEqual({ tables, targets, unknowns: [] })
  })

  it('knows no table without the database where that is not known', () => {
    expect(seen('SELECT * FROM keys', null)).toEqual({
      tables: [],
      targets: [],
      unknowns: ['sql.tables', 'sql.target_tables'],
    })
    expect(seen('SELECT * FROM a.keys', null)).toEqual({ tables: ['a.keys'], targets: [], unknowns: [] })
    expect(seen('SELECT 1', null)).toEqual({ tables: [], targets: [], unknowns: [] })
  })
})
