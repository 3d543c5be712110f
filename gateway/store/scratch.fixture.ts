import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Database, openDatabase } from './database.ts'

/** A database of a test's own, gone with it. */
export interface Scratch extends AsyncDisposable {
  readonly dir: string
  readonly database: Database
}

/** An empty directory. */
export function scratchDir(): string {
  return mkdtempSync(join(tmpdir(), 'clawpatrol-store-'))
}

/** An empty database. */
export function scratch(): Scratch {
  const dir = scratchDir()
  const database = openDatabase(dir)
  return {
    dir,
    database,
    [Symbol.asyncDispose]: async () => {
      database.close()
      rmSync(dir, { recursive: true, force: true })
    },
  }
}
