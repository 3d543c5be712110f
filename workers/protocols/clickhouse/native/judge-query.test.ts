import { describe, expect, it } from 'vitest'
import type { Seen, Session } from '../../../contract/plugin.ts'
import { StatementCache } from '../../../wire/sql/statement-cache.ts'
import { parseText } from '../parse-text.ts'
import { type JudgingParts, judgeTablesStatus } from './judge-query.ts'
import { SessionSql } from './session-sql.ts'

/** What is judged of a question about these tables in a session with the database `Sales`. */
async function seen(...tables: readonly (readonly [database: string, table: string])[]): Promise<Seen[]> {
  const all: Seen[] = []
  const judge = (one: Seen) => {
    all.push(one)
    throw new Error('seen')
  }
  const parts: JudgingParts = {
    session: { judge } as unknown as Session,
    sql: new SessionSql(new StatementCache(parseText, 1 << 20), 'Sales'),
    user: 'agent',
    credential: null,
    recordsParams: false,
    isWanted: () => true,
  }
  const asked = judgeTablesStatus(
    parts,
    tables.map(([database, table]) => ({ database, table })),
  )
  await expect(asked).rejects.toThrow('seen')
  return all
}

describe('a question about tables', () => {
  it('names them in full, also those of the database of the session', async () => {
    const [one] = await seen(['HR', 'Salaries'], ['', 'orders'])
    expect(one?.facts.sql).toMatchObject({ tables: ['hr.salaries', 'orders', 'sales.orders'] })
  })
})
