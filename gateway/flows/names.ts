import ipaddr from 'ipaddr.js'

/** One row of the table of virtual addresses. */
export interface StoredName {
  readonly id: number
  readonly name: string
  /** When the name left the policy, epoch ms; null: it is in use. */
  readonly freedAt: number | null
}

/** Where virtual addresses outlive a restart: clients keep the answers they have. */
export interface NameStore {
  load(): readonly StoredName[]
  /** Writes these rows, each in the place of the one with its id. */
  save(rows: readonly StoredName[]): void
}

export interface VirtualAddress {
  readonly v4: string
  readonly v6: string
}

/** Whose names have addresses: the union over all profiles. Whether a device may use one, its profile says. */
export interface NamedHosts {
  readonly names: readonly string[]
  /** Suffixes of wildcards; a name below one gets its address with the first query. */
  readonly suffixes: readonly string[]
}

/** Ids run from 1; the last one is kept for the gateway's own pages. */
const lastId = 0xfffe
/** Names below one wildcard: an agent can ask for any number of them. */
const maxBelowWildcard = 4096
/** One of them that nobody has asked for so long may give its place to another, ms. */
const forgottenMs = 10 * 60_000
/** Longer than any client keeps an answer (TTL 30 s), however badly it behaves. */
const quarantineMs = 15 * 60_000

/**
 * Virtual addresses: 10.78.0.0/16 and fd78::/64 stand for host names, so that a flow whose protocol does not say its
 * host name can be told by its address. An id given up is not given to another name while a client may remember it.
 */
export class VirtualNames {
  readonly #store: NameStore
  readonly #now: () => number
  readonly #byName = new Map<string, StoredName>()
  readonly #byId = new Map<number, StoredName>()
  /** Names below each wildcard with when they were last asked for; the longest ago first. */
  readonly #lazy = new Map<string, Map<string, number>>()
  #declared: ReadonlySet<string> = new Set()
  #suffixes: readonly string[] = []
  #nextId = 1

  constructor(store: NameStore, now: () => number = Date.now) {
    this.#store = store
    this.#now = now
    for (const row of store.load()) {
      if (Number.isInteger(row.id) && row.id >= 1 && row.id <= lastId) this.#remember(row)
    }
  }

  /** Takes over what the policy names now. Names keep their addresses; those gone are freed. */
  update({ names, suffixes }: NamedHosts): void {
    this.#declared = new Set(names)
    this.#suffixes = [...suffixes].sort((a, b) => b.length - a.length)
    this.#lazy.clear()
    const changed: StoredName[] = []
    for (const row of [...this.#byName.values()]) {
      const suffix = this.#declared.has(row.name) ? undefined : this.#suffixOf(row.name)
      const isInUse = row.freedAt === null
      if (this.#declared.has(row.name)) {
        if (!isInUse) changed.push(this.#remember({ ...row, freedAt: null }))
      } else if (suffix === undefined) {
        if (isInUse) changed.push(this.#free(row))
      } else if (isInUse) this.#below(suffix).set(row.name, this.#now())
    }
    for (const name of [...names].sort()) {
      const row = this.#byName.has(name) ? null : this.#allocate(name)
      if (row !== null) changed.push(row)
    }
    if (changed.length > 0) this.#store.save(changed)
  }

  /**
   * The address of a name that is declared or below a wildcard; makes one for the latter.
   * @returns null when the name has none, or no address is left
   */
  addressOf(name: string): VirtualAddress | null {
    const known = this.#byName.get(name)
    if (!this.#declared.has(name)) {
      const suffix = this.#suffixOf(name)
      if (suffix === undefined || !this.#admit(this.#below(suffix), name)) return null
    }
    if (known !== undefined && known.freedAt === null) return addressFor(known.id)
    const row = known === undefined ? this.#allocate(name) : this.#remember({ ...known, freedAt: null })
    if (row === null) return null
    this.#store.save([row])
    return addressFor(row.id)
  }

  /**
   * What a destination stands for.
   * @param address canonical IP literal
   * @returns null when it is no virtual address; a null name when it is one that stands for nothing
   */
  lookUp(address: string): { readonly name: string | null } | null {
    const id = idOf(address)
    if (id === null) return null
    const row = this.#byId.get(id)
    return { name: row !== undefined && row.freedAt === null ? row.name : null }
  }

  #suffixOf(name: string): string | undefined {
    return this.#suffixes.find((suffix) => name.endsWith(`.${suffix}`) && name.length > suffix.length + 1)
  }

  #below(suffix: string): Map<string, number> {
    const known = this.#lazy.get(suffix) ?? new Map<string, number>()
    this.#lazy.set(suffix, known)
    return known
  }

  /** Notes that a name below a wildcard was asked for; false when there is no room for a new one. */
  #admit(below: Map<string, number>, name: string): boolean {
    const now = this.#now()
    if (!below.delete(name) && below.size >= maxBelowWildcard) {
      const [oldest, askedAt] = below.entries().next().value ?? ['', now]
      if (now - askedAt < forgottenMs) return false
      below.delete(oldest)
      const row = this.#byName.get(oldest)
      if (row !== undefined) this.#store.save([this.#free(row)])
    }
    below.set(name, now)
    return true
  }

  /** The lowest id that was never used, else one whose quarantine is over. */
  #allocate(name: string): StoredName | null {
    while (this.#nextId <= lastId && this.#byId.has(this.#nextId)) this.#nextId += 1
    const id = this.#nextId <= lastId ? this.#nextId : this.#reusable()
    return id === null ? null : this.#remember({ id, name, freedAt: null })
  }

  #reusable(): number | null {
    const before = this.#now() - quarantineMs
    for (const row of this.#byId.values()) {
      // a clock that was set back only makes the quarantine longer
      if (row.freedAt !== null && row.freedAt < before) {
        this.#byName.delete(row.name)
        return row.id
      }
    }
    return null
  }

  #free(row: StoredName): StoredName {
    return this.#remember({ ...row, freedAt: this.#now() })
  }

  #remember(row: StoredName): StoredName {
    this.#byId.set(row.id, row)
    this.#byName.set(row.name, row)
    return row
  }
}

function addressFor(id: number): VirtualAddress {
  return { v4: `10.78.${id >> 8}.${id & 0xff}`, v6: ipaddr.parse(`fd78::${id.toString(16)}`).toString() }
}

function idOf(address: string): number | null {
  if (address.startsWith('10.78.')) {
    const [, , high, low] = address.split('.').map(Number)
    return (high ?? 0) * 256 + (low ?? 0)
  }
  if (!address.startsWith('fd78:') || !ipaddr.IPv6.isValid(address)) return null
  const bytes = ipaddr.IPv6.parse(address).toByteArray()
  if (bytes.slice(2, 8).some((byte) => byte !== 0)) return null
  // what is beyond the last id stands for nothing, and is still ours
  return bytes.slice(8, 14).some((byte) => byte !== 0) ? 0 : (bytes[14] ?? 0) * 256 + (bytes[15] ?? 0)
}
