import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type BetterSqlite from 'better-sqlite3'
import { type MigrationMeta, readMigrationFiles } from 'drizzle-orm/migrator'
import { ClawError } from '../../workers/contract/errors.ts'

/** Drizzle's own table, so that its tools understand the database. */
const table = '__drizzle_migrations'

/** Folder of the migrations, seen from the sources as well as from the build. */
export function migrationsFolder(): string {
  let folder = dirname(fileURLToPath(import.meta.url))
  while (!existsSync(join(folder, 'migrations', 'meta', '_journal.json'))) {
    const parent = dirname(folder)
    if (parent === folder) throw new ClawError('CP_STORE', 'the migrations folder is missing from the installation')
    folder = parent
  }
  return join(folder, 'migrations')
}

/**
 * Applies what is missing, all of it or nothing. Does what drizzle's `migrate` does, but under the write lock from
 * the first look on: a command and a gateway may start at the same moment.
 * @throws ClawError CP_STORE when a newer program made the database
 */
export function migrate(sqlite: BetterSqlite.Database, path: string, folder = migrationsFolder()): void {
  const known = readMigrationFiles({ migrationsFolder: folder })
  if (isCurrent(sqlite, path, known)) return
  const apply = sqlite.transaction(() => {
    sqlite.exec(`CREATE TABLE IF NOT EXISTS ${table} (id INTEGER PRIMARY KEY, hash text NOT NULL, created_at numeric)`)
    const note = sqlite.prepare(`INSERT INTO ${table} (hash, created_at) VALUES (?, ?)`)
    for (const migration of missing(sqlite, known)) {
      for (const statement of migration.sql) sqlite.exec(statement)
      note.run(migration.hash, migration.folderMillis)
    }
  })
  apply.immediate()
}

/**
 * Whether every migration is applied.
 * @throws ClawError CP_STORE when more than the known ones are
 */
export function isCurrent(
  sqlite: BetterSqlite.Database,
  path: string,
  known: readonly MigrationMeta[] = readMigrationFiles({ migrationsFolder: migrationsFolder() }),
): boolean {
  const newest = known.at(-1)?.folderMillis ?? 0
  const applied = newestApplied(sqlite)
  if (applied > newest)
    throw new ClawError('CP_STORE', `Cannot use ${JSON.stringify(path)}: a newer clawpatrol made it`, {
      hint: 'install at least the version that made it, or name another state_dir in the gateway block',
    })
  return applied === newest
}

function missing(sqlite: BetterSqlite.Database, known: readonly MigrationMeta[]): readonly MigrationMeta[] {
  const applied = newestApplied(sqlite)
  return known.filter(({ folderMillis }) => folderMillis > applied)
}

function newestApplied(sqlite: BetterSqlite.Database): number {
  const exists = sqlite.prepare("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?").get(table)
  if (exists === undefined) return 0
  return Number(sqlite.prepare(`SELECT max(created_at) FROM ${table}`).pluck().get() ?? 0)
}
