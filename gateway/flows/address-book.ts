import { canonicalAddress } from '../config/hosts.ts'
import { addressesIn } from './destination.ts'
import type { Resolution, Resolver } from './resolver.ts'

/** What is known of an address. */
export interface Located {
  /** Followed names whose server has, or lately had, this address. */
  readonly names: readonly string[]
  /** Followed names of which nobody knows where they are: any address could be theirs. */
  readonly unknown: ReadonlySet<string>
}

/** Who is told of what a book finds out. */
export interface AddressBookListener {
  /** A name has moved or has become known. */
  changed(): void
  /** Nobody could say where a name is: told once until it is known again. */
  lost(name: string): void
}

/** What an address book is made of. */
export interface AddressBookOptions {
  readonly resolver: Pick<Resolver, 'resolve'>
  /** Milliseconds on a clock that never goes back. */
  readonly now?: () => number
}

/** Names followed: those beyond stay unknown. */
const mostNames = 4096
/** Addresses kept of one name; the one unseen for longest goes first. */
const mostAddresses = 64
/** Look-ups of names at once. */
const mostAtOnce = 16
/** Bounds of the time to the next look-up of a name, whatever its TTL says, ms. */
const leastMs = 30_000
const longestMs = 5 * 60_000
/** After a look-up that left a name unknown, ms. */
const retryMs = 5_000
/** An address the name no longer has is still its own for so long: clients remember answers, ms. */
const lingerMs = 10 * 60_000
/** What nobody could confirm for so long is no longer known, ms. */
const staleMs = 24 * 60 * 60_000
const tickMs = 1_000

interface Entry {
  /** When each address was last in an answer. */
  readonly seen: Map<string, number>
  /** When each family was last answered for; null: never. */
  answered: { four: number | null; six: number | null }
  dueAt: number
  isAsking: boolean
}

/**
 * Follows where the names of a policy really are, so that a flow to the address itself is told like one to the virtual
 * address. It looks names up in the background; what it was last told stays true while nobody answers.
 */
export class AddressBook implements Disposable {
  readonly #resolver: AddressBookOptions['resolver']
  readonly #now: () => number
  readonly #entries = new Map<string, Entry>()
  readonly #byAddress = new Map<string, ReadonlySet<string>>()
  readonly #unknown = new Set<string>()
  #asking = 0
  #timer: NodeJS.Timeout | null = null
  #listener: AddressBookListener | null = null
  readonly #lost = new Set<string>()

  constructor({ resolver, now = () => performance.now() }: AddressBookOptions) {
    this.#resolver = resolver
    this.#now = now
  }

  /** Looks up in the background from now on. */
  start(listener: AddressBookListener): void {
    this.#listener = listener
    this.#timer ??= setInterval(() => void this.refresh(), tickMs).unref()
    void this.refresh()
  }

  /** Takes over which names are to be followed; those already followed keep what is known of them. */
  update(names: readonly string[]): void {
    const wanted = new Set(names)
    for (const name of [...this.#entries.keys()]) if (!wanted.has(name)) this.#entries.delete(name)
    for (const name of [...this.#lost]) if (!wanted.has(name)) this.#lost.delete(name)
    this.#unknown.clear()
    for (const name of wanted) {
      if (!this.#entries.has(name) && this.#entries.size < mostNames)
        this.#entries.set(name, { seen: new Map(), answered: { four: null, six: null }, dueAt: 0, isAsking: false })
      if (!isKnown(this.#entries.get(name))) this.#unknown.add(name)
    }
    this.#index()
    if (this.#timer !== null) void this.refresh()
  }

  /** @param address canonical IP literal */
  locate(address: string): Located {
    const names = addressesIn(address).flatMap((each) => [...(this.#byAddress.get(each) ?? [])])
    return { names: [...new Set(names)], unknown: this.#unknown }
  }

  /** Looks up every name whose time has come; resolves when they have been answered. */
  async refresh(): Promise<void> {
    const now = this.#now()
    const due = [...this.#entries].filter(([, entry]) => !entry.isAsking && entry.dueAt <= now)
    await Promise.all(
      due.slice(0, Math.max(0, mostAtOnce - this.#asking)).map(([name, entry]) => this.#ask(name, entry)),
    )
    // more were due than may be asked at once
    if (due.length > mostAtOnce && this.#asking === 0) await this.refresh()
  }

  [Symbol.dispose](): void {
    if (this.#timer !== null) clearInterval(this.#timer)
    this.#timer = null
    this.#entries.clear()
  }

  async #ask(name: string, entry: Entry): Promise<void> {
    entry.isAsking = true
    this.#asking += 1
    const [four, six] = await Promise.all([this.#resolve(name, 4), this.#resolve(name, 6)])
    this.#asking -= 1
    entry.isAsking = false
    // no longer in the policy
    if (this.#entries.get(name) !== entry) return
    const now = this.#now()
    const before = [...entry.seen.keys()].join()
    const wasKnown = !this.#unknown.has(name)
    note(entry, 4, four, now)
    note(entry, 6, six, now)
    entry.dueAt = now + (isKnown(entry) ? waitMs([four, six]) : retryMs)
    this.#note(name, isKnown(entry))
    if (before === [...entry.seen.keys()].join() && wasKnown === isKnown(entry)) return
    this.#index()
    this.#listener?.changed()
  }

  #note(name: string, isKnownNow: boolean): void {
    if (isKnownNow) {
      this.#unknown.delete(name)
      this.#lost.delete(name)
      return
    }
    this.#unknown.add(name)
    if (this.#lost.has(name)) return
    this.#lost.add(name)
    this.#listener?.lost(name)
  }

  async #resolve(name: string, family: 4 | 6): Promise<Resolution> {
    try {
      return await this.#resolver.resolve(name, family)
    } catch {
      return { kind: 'failed' }
    }
  }

  #index(): void {
    this.#byAddress.clear()
    for (const [name, { seen }] of this.#entries) {
      for (const address of seen.keys())
        this.#byAddress.set(address, new Set([...(this.#byAddress.get(address) ?? []), name]))
    }
  }
}

/** Known is also a name without addresses; servers that always fail for one family are not waited for. */
function isKnown(entry: Entry | undefined): boolean {
  if (entry === undefined) return false
  return entry.seen.size > 0 || (entry.answered.four !== null && entry.answered.six !== null)
}

function note({ seen, answered }: Entry, family: 4 | 6, found: Resolution, now: number): void {
  const key = family === 4 ? 'four' : 'six'
  const own = () => [...seen.keys()].filter((address) => address.includes(':') === (family === 6))
  if (found.kind === 'failed') {
    if (answered[key] === null || now - answered[key] < staleMs) return
    answered[key] = null
    for (const address of own()) seen.delete(address)
    return
  }
  answered[key] = now
  const addresses = found.kind === 'found' ? found.addresses.map(canonicalAddress) : []
  for (const address of addresses) seen.set(address, now)
  for (const address of own()) if (now - (seen.get(address) ?? now) > lingerMs) seen.delete(address)
  const oldestFirst = [...seen].sort(([, one], [, other]) => one - other)
  for (const [address] of oldestFirst.slice(0, Math.max(0, seen.size - mostAddresses))) seen.delete(address)
}

function waitMs(answers: readonly Resolution[]): number {
  if (answers.some(({ kind }) => kind === 'failed')) return leastMs
  const ttls = answers.flatMap((answer) => (answer.kind === 'found' && answer.ttlS !== undefined ? [answer.ttlS] : []))
  return Math.min(Math.max(Math.min(...ttls, longestMs / 1000) * 1000, leastMs), longestMs)
}
