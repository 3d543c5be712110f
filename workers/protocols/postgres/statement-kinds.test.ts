import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { functionEffect } from './function-effects.ts'
import { statementKinds } from './statement-kinds.ts'

const require = createRequire(import.meta.url)

/** Nodes that are named like statements and never come out of the grammar. */
const notParsed = ['RawStmt', 'SetOperationStmt']

describe('the statements of the grammar', () => {
  it('are all known', () => {
    const folder = dirname(
      require.resolve('@pgsql/types/package.json', { paths: [dirname(require.resolve('libpg-query'))] }),
    )
    const types = readFileSync(join(folder, 'types.d.ts'), 'utf8')
    const kinds = [...types.matchAll(/^export interface (\w+Stmt) \{/gm)].map((match) => match[1] ?? '')
    expect(kinds.length).toBeGreaterThan(100)
    expect(kinds.filter((kind) => statementKinds[kind] === undefined).sort()).toEqual(notParsed)
    expect(Object.keys(statementKinds).filter((kind) => !kinds.includes(kind))).toEqual([])
  })
})

describe('functionEffect()', () => {
  it.each([
    [['lower'], 'reads'],
    [['pg_catalog', 'count'], 'reads'],
    [['row_number'], 'reads'],
    [['pg_advisory_lock'], 'reads'],
    [['uuidv7'], 'reads'],
    [['public', 'similarity'], 'reads'],
    [['information_schema', '_pg_expandarray'], 'reads'],
    [['nextval'], 'writes'],
    [['pg_catalog', 'lo_unlink'], 'writes'],
    [['public', 'dblink_exec'], 'writes'],
    [['mine', 'lower'], 'unknown'],
    [['my_function'], 'unknown'],
    [['delete'], 'unknown'],
    [['constructor'], 'unknown'],
  ] as const)('says of %j: %s', (parts, effect) => {
    expect(functionEffect(parts)).toBe(effect)
  })
})
