import { type History, openHistory } from '../revisions/history.ts'
import { askHidden } from '../secrets/ask-hidden.ts'
import { openVault } from '../secrets/vault.ts'
import { openDatabase, openReadOnly } from '../store/database.ts'

/**
 * Opens the history of a state directory, with its files; a gateway may run or not.
 * @throws ClawError CP_STORE where no gateway has made one yet: this makes none, and brings none up to date
 */
export async function withHistory<T>(stateDir: string, work: (history: History) => T | Promise<T>): Promise<T> {
  openReadOnly(stateDir).close()
  await using database = openDatabase(stateDir)
  await using vault = await openVault(database, process.stdin.isTTY ? { ask: askHidden } : {})
  return await work(openHistory(database, vault))
}
