import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import BetterSqlite from 'better-sqlite3'
import { getTableConfig, type SQLiteTable } from 'drizzle-orm/sqlite-core'
import { describe, expect, it } from 'vitest'
import { actionsOf } from './actions.ts'
import { openDatabase, openReadOnly } from './database.ts'
import { isCurrent, migrate, migrationsFolder } from './migrations.ts'
import { replayableOf } from './replayable.ts'
import { scratch, scratchDir } from './scratch.fixture.ts'
import * as tables from './tables/index.ts'

interface Column {
  readonly name: string
  readonly type: string
  readonly notnull: number
  readonly pk: number
}

describe('migrations', () => {
  it('make exactly the tables the sources declare', async () => {
    await using place = scratch()
    const { sqlite } = place.database
    const names = sqlite
      .prepare(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT GLOB 'sqlite_*' AND name NOT GLOB '__*'",
      )
      .pluck()
      .all()
    const declared = Object.values(tables).map((table) => getTableConfig(table as SQLiteTable))
    expect(names.sort()).toEqual(declared.map(({ name }) => name).sort())
    for (const { name, columns, indexes, foreignKeys, primaryKeys } of declared) {
      const composite = new Set(primaryKeys.flatMap((key) => key.columns.map((column) => column.name)))
      const found = sqlite.pragma(`table_info(${name})`) as Column[]
      expect(found.map((column) => [column.name, column.type.toLowerCase(), column.notnull, column.pk > 0])).toEqual(
        columns.map((column) => [
          column.name,
          column.getSQLType(),
          column.notNull ? 1 : 0,
          column.primary || composite.has(column.name),
        ]),
      )
      const indexNames = sqlite
        .prepare("SELECT name FROM sqlite_master WHERE type = 'index' AND tbl_name = ? AND sql IS NOT NULL")
        .pluck()
        .all(name)
      expect(indexNames.sort()).toEqual(indexes.map((index) => index.config.name).sort())
      expect(sqlite.pragma(`foreign_key_list(${name})`)).toHaveLength(foreignKeys.length)
    }
  })

  it('apply once, note what they applied and say so', () => {
    const sqlite = new BetterSqlite(':memory:')
    expect(isCurrent(sqlite, 'x')).toBe(false)
    migrate(sqlite, 'x')
    expect(isCurrent(sqlite, 'x')).toBe(true)
    migrate(sqlite, 'x')
    const written = readdirSync(migrationsFolder()).filter((file) => file.endsWith('.sql'))
    expect(sqlite.prepare('SELECT count(*) FROM __drizzle_migrations').pluck().get()).toBe(written.length)
  })

  it('leave nothing behind when one of their statements fails', () => {
    const folder = scratchDir()
    cpSync(migrationsFolder(), folder, { recursive: true })
    const path = join(folder, '0000_initial.sql')
    writeFileSync(path, `${readFileSync(path, 'utf8')}\n--> statement-breakpoint\nCREATE NONSENSE;\n`)
    const sqlite = new BetterSqlite(':memory:')
    expect(() => migrate(sqlite, 'x', folder)).toThrow(/NONSENSE/)
    expect(sqlite.prepare('SELECT count(*) FROM sqlite_master').pluck().get()).toBe(0)
    rmSync(folder, { recursive: true })
  })

  it('bring a database with records from before replays up to date, and lose none', async () => {
    const [folder, state] = [scratchDir(), scratchDir()]
    cpSync(migrationsFolder(), folder, { recursive: true })
    const path = join(folder, 'meta', '_journal.json')
    const journal = JSON.parse(readFileSync(path, 'utf8')) as { entries: { tag: string }[] }
    journal.entries = journal.entries.filter(({ tag }) => tag < '0005')
    writeFileSync(path, JSON.stringify(journal))
    const sqlite = new BetterSqlite(join(state, 'clawpatrol.db'))
    migrate(sqlite, 'x', folder)
    sqlite.exec(`INSERT INTO actions (id, flow, protocol, title, facts, verdict, decided_by, opened_at)
      VALUES ('one', 'f', 'https', 'GET /', '{}', 'deny', 'rule', 1), ('two', 'f', 'https', 'GET /', '{}', 'allow', 'default', 2)`)
    sqlite.exec(`INSERT INTO samples (action, kind, bytes, total, at) VALUES (1, 'request', x'616263', 3, 1)`)
    sqlite.close()
    expect(() => openReadOnly(state)).toThrow('an older clawpatrol made it')
    openDatabase(state).close()
    await using database = openReadOnly(state)
    const { get, count } = replayableOf(database)
    expect(count({ since: 0, until: 9 })).toBe(2)
    expect(get('one')).toMatchObject({ verdict: 'deny', described: null, body: Buffer.from('abc') })
    expect(
      actionsOf(database)
        .list({ limit: 9 })
        .map(({ id, shadows }) => [id, shadows]),
    ).toEqual([
      ['one', []],
      ['two', []],
    ])
    for (const each of [folder, state]) rmSync(each, { recursive: true })
  })

  it('refuse a database of a newer program', () => {
    const sqlite = new BetterSqlite(':memory:')
    migrate(sqlite, 'x')
    sqlite.prepare("INSERT INTO __drizzle_migrations (hash, created_at) VALUES ('later', 9999999999999)").run()
    expect(() => migrate(sqlite, '/state/clawpatrol.db')).toThrow(
      'Cannot use "/state/clawpatrol.db": a newer clawpatrol made it',
    )
  })
})
