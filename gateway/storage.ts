import type { EpochMs } from '../workers/contract/ids.ts'
import { LeafMint } from './ca/leaf.ts'
import { openRoot, type Root } from './ca/root.ts'
import type { NameStore } from './flows/names.ts'
import type { ProcessLog } from './log.ts'
import { Live } from './recorder/live.ts'
import { Recorder } from './recorder/recorder.ts'
import { redactionOf } from './secrets/redaction.ts'
import { openVault, type Vault } from './secrets/vault.ts'
import type { Shutdown } from './shutdown.ts'
import { type Database, openDatabase } from './store/database.ts'
import { namesOf } from './store/names.ts'

/** Everything the gateway keeps: the record, secrets, its certificate authority. */
export interface Storage {
  readonly database: Database
  readonly vault: Vault
  readonly root: Root
  readonly leaves: LeafMint
  readonly recorder: Recorder
  readonly live: Live
}

/** What opening the storage needs. */
export interface StorageOptions {
  readonly stateDir: string
  readonly sampleBytes: number
  readonly log: ProcessLog
  readonly shutdown: Shutdown
  /** Asks a person for the passphrase of the master key; absent: nobody is there. */
  readonly ask?: (question: string) => Promise<string>
}

/**
 * Opens the state directory; it is closed by the shutdown.
 * @throws ClawError CP_STORE or CP_SECRET with one sentence for whatever is wrong with it
 */
export async function openStorage(options: StorageOptions): Promise<Storage> {
  const { log, shutdown } = options
  const database = openDatabase(options.stateDir)
  shutdown.defer('database', () => database.close())
  for (const warning of database.warnings) log.warn('state', { warning })
  const vault = shutdown.use('vault', await openVault(database, options.ask === undefined ? {} : { ask: options.ask }))
  const redactor = redactionOf(vault)
  log.redactWith(redactor)
  const root = await openRoot(vault)
  const live = new Live()
  shutdown.defer('live feeds', () => live[Symbol.dispose]())
  const recorder = new Recorder({
    database,
    redactor,
    live,
    sampleBytes: options.sampleBytes,
    onRejected: (error) => log.error('record.rejected', { error }),
  })
  shutdown.defer('recorder', async () => {
    const lost = await recorder.stop()
    if (lost > 0) log.error('record.lost', { events: lost })
  })
  const left = recorder.closeLeftOvers()
  if (left > 0) log.warn('record.left_over', { actions: left })
  return { database, vault, root, leaves: new LeafMint(root), recorder, live }
}

/** Virtual addresses kept in the database. */
export function nameStore(database: Database, now: () => number = Date.now): NameStore {
  const names = namesOf(database)
  return {
    load: () => names.load().map(({ id, hostname, freedAt }) => ({ id, name: hostname, freedAt })),
    save: (rows) =>
      names.save(
        rows.map(({ id, name, freedAt }) => ({
          id,
          hostname: name,
          allocatedAt: now() as EpochMs,
          freedAt: freedAt as EpochMs | null,
        })),
      ),
  }
}
