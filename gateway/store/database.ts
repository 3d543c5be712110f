import { chmodSync, closeSync, existsSync, fstatSync, mkdirSync, openSync, statSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import BetterSqlite from 'better-sqlite3'
import { type BetterSQLite3Database, drizzle } from 'drizzle-orm/better-sqlite3'
import { ClawError } from '../../workers/contract/errors.ts'
import { isCurrent, migrate } from './migrations.ts'
import { storeFault } from './store-fault.ts'
import * as tables from './tables/index.ts'

/** How long a write waits for another process, ms. The wait blocks the thread. */
const busyMs = 5000

/** The gateway's database, open. */
export interface Database extends AsyncDisposable {
  readonly path: string
  readonly stateDir: string
  readonly sqlite: BetterSqlite.Database
  readonly orm: BetterSQLite3Database<typeof tables>
  /** What is not as it should be but does not keep it from working. */
  readonly warnings: readonly string[]
  /** Another connection to the same file, reading alone if this one does; the caller owns it. */
  connect(options?: { readonly busyMs?: number }): Database
  close(): void
}

/** Counts the rows this connection has written; a cache of what only it writes is good while that stays the same. */
export function changesOf({ sqlite }: Database): () => number {
  const count = sqlite.prepare('SELECT total_changes()').pluck()
  return () => count.get() as number
}

/** Where the state is when no configuration says so: CLAWPATROL_STATE, or `.clawpatrol` in the home directory. */
export function defaultStateDir(env: NodeJS.ProcessEnv = process.env): string {
  return env.CLAWPATROL_STATE ?? join(env.HOME ?? homedir(), '.clawpatrol')
}

/**
 * Opens the database for reading and writing; makes the directory (0700) and the file (0600), applies migrations.
 * @throws ClawError CP_STORE with one sentence for whatever is wrong
 */
export function openDatabase(stateDir: string): Database {
  const path = databasePath(stateDir)
  const warnings: string[] = []
  try {
    mkdirSync(stateDir, { recursive: true, mode: 0o700 })
    if ((statSync(stateDir).mode & 0o077) !== 0)
      warnings.push(`state directory ${JSON.stringify(stateDir)} is open to other users: chmod 700 it`)
    makePrivate(path)
  } catch (error) {
    throw storeFault('Cannot use', stateDir, error)
  }
  return connect(path, stateDir, { warnings, busyMs, isMigrated: false })
}

/**
 * Opens an existing database for reading alone, while a gateway runs or not.
 * @throws ClawError CP_STORE when there is none, or for whatever is wrong with it
 */
export function openReadOnly(stateDir: string): Database {
  const path = databasePath(stateDir)
  if (!existsSync(path))
    throw new ClawError('CP_STORE', `Cannot open ${JSON.stringify(path)}: there is no database`, {
      hint: 'start the gateway first, or name its state directory with --state-dir',
    })
  try {
    const sqlite = new BetterSqlite(path, { readonly: true, timeout: busyMs })
    try {
      sqlite.pragma('query_only = ON')
      if (!isCurrent(sqlite, path))
        throw new ClawError('CP_STORE', `Cannot read ${JSON.stringify(path)}: an older clawpatrol made it`, {
          hint: 'start the gateway of this version once: it brings the database up to date',
        })
    } catch (error) {
      sqlite.close()
      throw error
    }
    return asDatabase({ sqlite, path, stateDir, warnings: [], connect: () => openReadOnly(stateDir) })
  } catch (error) {
    throw storeFault('Cannot read', path, error)
  }
}

function databasePath(stateDir: string): string {
  return join(stateDir, 'clawpatrol.db')
}

/** SQLite gives its -wal and -shm files the mode of the database. */
function makePrivate(path: string): void {
  const fd = openSync(path, 'a', 0o600)
  try {
    if ((fstatSync(fd).mode & 0o077) !== 0) chmodSync(path, 0o600)
  } finally {
    closeSync(fd)
  }
}

interface Opening {
  readonly warnings: readonly string[]
  readonly busyMs: number
  readonly isMigrated: boolean
}

function connect(path: string, stateDir: string, opening: Opening): Database {
  try {
    const sqlite = new BetterSqlite(path, { timeout: opening.busyMs })
    try {
      sqlite.pragma('journal_mode = WAL')
      sqlite.pragma('synchronous = NORMAL')
      sqlite.pragma('foreign_keys = ON')
      sqlite.pragma('secure_delete = FAST')
      if (!opening.isMigrated) migrate(sqlite, path)
    } catch (error) {
      sqlite.close()
      throw error
    }
    return asDatabase({
      sqlite,
      path,
      stateDir,
      warnings: opening.warnings,
      connect: (options = {}) =>
        connect(path, stateDir, { warnings: [], busyMs: options.busyMs ?? busyMs, isMigrated: true }),
    })
  } catch (error) {
    throw storeFault('Cannot open', path, error)
  }
}

function asDatabase(parts: Pick<Database, 'sqlite' | 'path' | 'stateDir' | 'warnings' | 'connect'>): Database {
  const { sqlite } = parts
  const close = () => {
    if (sqlite.open) sqlite.close()
  }
  return {
    ...parts,
    orm: drizzle(sqlite, { schema: tables }),
    close,
    [Symbol.asyncDispose]: async () => close(),
  }
}
