import { ClawError } from '../../workers/contract/errors.ts'
import type { CredentialName } from '../../workers/contract/ids.ts'
import type { Secret } from '../../workers/contract/messages.ts'
import type { Database } from '../store/database.ts'
import { type Sealed, type SealedId, sealedOf } from '../store/sealed.ts'
import { SecretChanges } from './changes.ts'
import { environmentSecret, longestSecret, secretVariable, secretVariables } from './environment.ts'
import { keyFilePath, readKeyFile } from './key-file.ts'
import { KnownValues } from './known-values.ts'
import { isKeyInForce, type MasterKey, type NextKey, noteKey, openMasterKey, placeKey } from './master-key.ts'
import { openRecord, rewrapRecord, sealRecord } from './records.ts'

/** What a vault is made of. */
export interface VaultOptions {
  readonly database: Database
  readonly masterKey: MasterKey
  readonly env?: NodeJS.ProcessEnv
  readonly now?: () => number
}

/** A slot on record; never its value. */
export interface StoredSlot {
  readonly name: CredentialName
  readonly slot: string
  readonly updatedAt: number
}

/** How often to look for changes by other programs, ms. */
const pollMs = 500

/**
 * Secrets at rest and where they are looked up: the database, then the environment.
 * Every record has a key of its own, wrapped under the master key; name and slot are part of what is authenticated.
 * Owns a connection and, while watching, a timer.
 */
export class Vault implements AsyncDisposable {
  readonly #database: Database
  readonly #sealed: Sealed
  readonly #env: NodeJS.ProcessEnv
  readonly #now: () => number
  readonly #changes: SecretChanges
  readonly #known = new KnownValues()
  readonly #listeners = new Set<(credentials: readonly CredentialName[]) => void>()
  #master: MasterKey
  #timer: NodeJS.Timeout | null = null

  constructor({ database, masterKey, env = process.env, now = Date.now }: VaultOptions) {
    this.#database = database.connect()
    this.#sealed = sealedOf(this.#database)
    this.#env = env
    this.#now = now
    this.#master = masterKey
    this.#changes = new SecretChanges(this.#database, this.#sealed, env)
    this.#learn()
  }

  /**
   * The secret of a credential: each slot from the vault, else from CLAWPATROL_SECRET_<NAME>[_<SLOT>].
   * null: there is nothing in any slot.
   * @throws ClawError CP_SECRET when a stored slot cannot be opened or a named file not read
   */
  lookup(credential: CredentialName, slots: readonly string[]): Secret | null {
    const found: { [slot: string]: string } = {}
    for (const slot of slots) {
      const value = this.#open({ scope: 'credential', name: credential, slot }) ?? this.#given(credential, slot)
      if (value !== null) found[slot] = value
    }
    const values = Object.values(found)
    this.#known.add(values)
    return values.length === 0 ? null : found
  }

  /** Stores a slot. @throws ClawError CP_SECRET for an empty or overlong value */
  set(name: CredentialName, slot: string, value: string): void {
    const refuse = (why: string) =>
      new ClawError('CP_SECRET', `Cannot store the secret of ${JSON.stringify(name)}: ${why}`)
    if (value === '') throw refuse('it is empty')
    if (Buffer.byteLength(value) > longestSecret) throw refuse('it is longer than 1 MiB')
    this.#sealed.atomically(() => this.#put({ scope: 'credential', name, slot }, value))
    this.#tell(this.#changes.find(true))
  }

  /** Forgets a slot, or with null all slots. @returns how many there were */
  remove(name: CredentialName, slot: string | null): number {
    const count = this.#sealed.remove('credential', name, slot)
    this.#tell(this.#changes.find(true))
    return count
  }

  /** Stored slots by name. */
  list(): readonly StoredSlot[] {
    return this.#sealed
      .list()
      .filter(({ scope }) => scope === 'credential')
      .map(({ name, slot, updatedAt }) => ({ name: name as CredentialName, slot, updatedAt }))
  }

  /**
   * A key of the gateway's own; made and stored when there is none, once even with two gateways starting.
   * @throws ClawError CP_SECRET when the stored one cannot be opened
   */
  ownKey(name: string, make: () => string): string {
    const id: SealedId = { scope: 'gateway', name, slot: '' }
    const key = this.#sealed.atomically(() => {
      const before = this.#open(id)
      if (before !== null) return before
      const made = make()
      this.#put(id, made)
      return made
    })
    this.#known.add([key])
    return key
  }

  /** Every secret value this process knows or knew: what must not be recorded. `revision` grows with it. */
  get known(): Pick<KnownValues, 'list' | 'revision'> {
    return this.#known
  }

  /** Keeps secrets that come from elsewhere, like a key written in the configuration, out of records and logs too. */
  hide(values: readonly string[]): void {
    this.#known.add(values)
  }

  /** Calls back with the credentials whose secrets changed. @returns how to stop that */
  onChange(listener: (credentials: readonly CredentialName[]) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Looks for changes by other programs from now on, until the vault is closed. */
  watch(onError: (error: unknown) => void): void {
    this.#timer ??= setInterval(() => {
      try {
        this.check()
      } catch (error) {
        onError(error)
      }
    }, pollMs).unref()
  }

  /** Looks for changes by other programs now. */
  check(): void {
    this.#tell(this.#changes.find(false))
  }

  /** Wraps every record's key under another master key; values are not touched. @returns how many records */
  rekey(next: NextKey): number {
    const count = this.#sealed.atomically(() => {
      const rows = this.#sealed.list()
      for (const row of rows) this.#sealed.rewrap(row, rewrapRecord(this.#master.bytes, next.bytes, row))
      noteKey(this.#database, next)
      return rows.length
    })
    placeKey(this.#database, next)
    this.#master = next
    return count
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer)
    this.#timer = null
    this.#listeners.clear()
    this.#database.close()
  }

  #open(id: SealedId): string | null {
    const row = this.#sealed.get(id)
    if (row === null) return null
    try {
      return openRecord(this.#master.bytes, row)
    } catch (error) {
      if (!this.#takeNewKeyFile()) throw error
      return openRecord(this.#master.bytes, row)
    }
  }

  /** Under the write lock: nothing may be sealed with a key that was replaced meanwhile. */
  #put(id: SealedId, value: string): void {
    if (!isKeyInForce(this.#database, this.#master) && !this.#takeNewKeyFile())
      throw new ClawError('CP_SECRET', 'Cannot store a secret: the master key was changed meanwhile', {
        hint: 'restart this program with the new one',
      })
    this.#sealed.put(sealRecord(this.#master.bytes, id, value, this.#now()))
  }

  /** `clawpatrol secret rekey` in another process put a new key file in place. */
  #takeNewKeyFile(): boolean {
    if (this.#master.source !== 'file') return false
    const bytes = readKeyFile(keyFilePath(this.#database.stateDir))
    if (bytes === null || bytes.equals(this.#master.bytes)) return false
    this.#master = { bytes, source: 'file' }
    return true
  }

  #given(credential: CredentialName, slot: string): string | null {
    const variable = secretVariable(credential, slot)
    this.#changes.follow(credential, variable)
    return environmentSecret(this.#env, variable)
  }

  /** What cannot be opened or read is not injected either: look-ups say so. */
  #learn(): void {
    for (const row of this.#sealed.list()) this.#learnFrom(() => openRecord(this.#master.bytes, row))
    for (const name of secretVariables(this.#env)) this.#learnFrom(() => environmentSecret(this.#env, name))
  }

  #learnFrom(read: () => string | null): void {
    try {
      const value = read()
      if (value !== null) this.#known.add([value])
    } catch (error) {
      if (!(error instanceof ClawError)) throw error
    }
  }

  #tell(changed: readonly CredentialName[]): void {
    if (changed.length === 0) return
    this.#learn()
    for (const listener of this.#listeners) listener(changed)
  }
}

/**
 * Opens the vault of a database with the master key found for it.
 * @throws ClawError CP_SECRET when that key is missing or another one
 */
export async function openVault(
  database: Database,
  options: { readonly env?: NodeJS.ProcessEnv; readonly ask?: (question: string) => Promise<string> } = {},
): Promise<Vault> {
  const { env = process.env } = options
  const masterKey = await openMasterKey({ ...options, env, database })
  return new Vault({ database, masterKey, env })
}
