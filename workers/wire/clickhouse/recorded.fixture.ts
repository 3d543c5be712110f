import { readFileSync } from 'node:fs'

/** What scripts/record-clickhouse.py recorded of real clients and servers. */
export interface Recorded {
  /** A ClickHouse of today asks a server of each revision for the columns of a table, and inserts into it. */
  readonly newest: readonly { readonly revision: number; readonly method: string; readonly said: string }[]
  /** Blocks as ClickHouse writes them to a file: without what precedes the number of columns. */
  readonly blocks: readonly { readonly type: string; readonly rows: number; readonly bytes: string }[]
  /** Both sides of sessions with ClickHouse 18.16. */
  readonly sessions: readonly {
    readonly client: string
    readonly method: string
    readonly said: string
    readonly answered: string
  }[]
  readonly hashes: readonly (readonly [length: number, hash: string])[]
}

/** The recording. */
export const recorded: Recorded = JSON.parse(readFileSync(new URL('./recorded.fixture.json', import.meta.url), 'utf8'))
