import { statSync } from 'node:fs'
import type { CredentialName } from '../../workers/contract/ids.ts'
import type { Database } from '../store/database.ts'
import type { Sealed } from '../store/sealed.ts'

/** Notices which credentials' secrets changed, whoever changed them. */
export class SecretChanges {
  readonly #database: Database
  readonly #sealed: Sealed
  readonly #env: NodeJS.ProcessEnv
  readonly #files = new Map<string, { readonly credential: CredentialName; state: string }>()
  #version: number
  #rows: Map<string, StoredState>

  constructor(database: Database, sealed: Sealed, env: NodeJS.ProcessEnv) {
    this.#database = database
    this.#sealed = sealed
    this.#env = env
    this.#version = this.#dataVersion()
    this.#rows = this.#readRows()
  }

  /** A variable was asked for: should it name a file, that file is looked at from now on. */
  follow(credential: CredentialName, variable: string): void {
    const path = this.#env[variable]
    if (path?.startsWith('@') === true && !this.#files.has(variable))
      this.#files.set(variable, { credential, state: stateOf(path.slice(1)) })
  }

  /**
   * Credentials whose secrets changed since the last call.
   * @param isOwn this connection wrote: SQLite counts only the changes of others
   */
  find(isOwn: boolean): readonly CredentialName[] {
    return [...new Set([...this.#changedRows(isOwn), ...this.#changedFiles()])]
  }

  #changedRows(isOwn: boolean): readonly CredentialName[] {
    const version = this.#dataVersion()
    if (!isOwn && version === this.#version) return []
    const before = this.#rows
    const rows = this.#readRows()
    this.#version = version
    this.#rows = rows
    return [...new Set([...before.keys(), ...rows.keys()])].flatMap((key) => {
      const [old, now] = [before.get(key), rows.get(key)]
      if (old !== undefined && now !== undefined && old.value.equals(now.value)) return []
      const credential = (now ?? old)?.credential ?? null
      return credential === null ? [] : [credential]
    })
  }

  #changedFiles(): readonly CredentialName[] {
    return [...this.#files].flatMap(([variable, file]) => {
      const state = stateOf((this.#env[variable] ?? '').slice(1))
      if (state === file.state) return []
      file.state = state
      return [file.credential]
    })
  }

  #dataVersion(): number {
    return Number(this.#database.sqlite.pragma('data_version', { simple: true }))
  }

  #readRows(): Map<string, StoredState> {
    return new Map(
      this.#sealed.list().map(({ scope, name, slot, value }) => {
        const credential = scope === 'credential' ? (name as CredentialName) : null
        return [`${scope}\0${name}\0${slot}`, { credential, value }]
      }),
    )
  }
}

interface StoredState {
  /** null: a key of the gateway's own. */
  readonly credential: CredentialName | null
  readonly value: Buffer
}

function stateOf(path: string): string {
  const found = statSync(path, { bigint: true, throwIfNoEntry: false })
  return found === undefined ? 'absent' : `${found.dev}.${found.ino}.${found.size}.${found.mtimeNs}.${found.ctimeNs}`
}
