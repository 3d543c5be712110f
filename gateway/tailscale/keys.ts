import { ClawError } from '../../workers/contract/errors.ts'
import type { DeviceId, EpochMs } from '../../workers/contract/ids.ts'
import type { Database } from '../store/database.ts'
import { keysOf, type TailnetKeys } from '../store/tailnet-keys.ts'
import { removalsOf, type TailnetRemovals } from '../store/tailnet-removals.ts'
import type { MintedKey, TailscaleApi } from './api.ts'
import { Revoker } from './revoker.ts'

/** A key a device joins the tailnet with. Not to be kept, logged or told twice. */
export interface JoinKey {
  readonly key: string
  /** null: nobody here knows. */
  readonly expiresAt: EpochMs | null
  /** False for the one key of the configuration: it goes on working after its device is deleted. */
  readonly isRevocable: boolean
}

/** Who a key is for. */
export interface JoinKeyRequest {
  readonly device: DeviceId
  /** Its name, for the list of keys in the tailnet's console. */
  readonly name: string
  /** One node that stays, instead of one for each run. */
  readonly wholeMachine: boolean
}

/** What keys are made of. */
export interface JoinKeysOptions {
  readonly database: Database
  /** null: there is no OAuth client. */
  readonly api: TailscaleApi | null
  /** The one key for all devices, for when there is no OAuth client. */
  readonly clientAuthkey: string | null
  /** What every key is tagged with; never empty. */
  readonly tags: readonly string[]
  /** What could not be revoked and is tried again. */
  readonly onTrouble: (error: ClawError) => void
  readonly now?: () => number
  /** Shortest and longest wait before failures are tried again, ms. */
  readonly retryMs?: { readonly first: number; readonly most: number }
}

const daySeconds = 24 * 3600
/** Used again at every run. */
const perProcessSeconds = 90 * daySeconds
/** Used once, right away. */
const wholeMachineSeconds = 600
/** How long the key before stays good: the client may have missed the answer. */
const overlapMs = 3_600_000
/** How long worthless keys stay on record. */
const recordMs = 30 * daySeconds * 1000

/**
 * Keys devices join the tailnet with. Each is on record before anyone has it; what is to be revoked stays on record
 * until it is, across restarts. Owns the timer of the retries.
 */
export class JoinKeys implements AsyncDisposable {
  readonly #options: JoinKeysOptions
  readonly #keys: TailnetKeys
  readonly #removals: TailnetRemovals
  readonly #now: () => number
  readonly #revoker: Revoker
  readonly #stop = new AbortController()
  readonly #minting = new Set<{ readonly device: DeviceId; isRevoked: boolean }>()

  constructor(options: JoinKeysOptions) {
    this.#options = options
    this.#now = options.now ?? Date.now
    this.#keys = keysOf(options.database, this.#now)
    this.#removals = removalsOf(options.database, this.#now)
    this.#revoker = new Revoker({ ...options, keys: this.#keys, removals: this.#removals, now: this.#now })
  }

  /** Takes up what an earlier gateway could not revoke. */
  start(): void {
    this.#keys.prune((this.#now() - recordMs) as EpochMs)
    void this.#revoker.run()
  }

  /**
   * Makes a key: for runs one that many ephemeral nodes join with, for a whole machine one that works once.
   * @throws ClawError CP_ONBOARD or CP_TIMEOUT when none can be had, CP_ONBOARD when the device is removed meanwhile
   */
  async mint(request: JoinKeyRequest): Promise<JoinKey> {
    const minted = await this.#mint(request)
    if (minted === null) return this.#static()
    return { key: minted.key, expiresAt: minted.expiresAt, isRevocable: true }
  }

  /** A new key for the runs of a device; the ones it had end an hour later. @throws as `mint` does */
  async rotate(request: Omit<JoinKeyRequest, 'wholeMachine'>): Promise<JoinKey> {
    const minted = await this.#mint({ ...request, wholeMachine: false })
    if (minted === null) return this.#static()
    this.#keys.endOf(request.device, (this.#now() + overlapMs) as EpochMs, minted.id)
    this.#revoker.schedule()
    return { key: minted.key, expiresAt: minted.expiresAt, isRevocable: true }
  }

  /**
   * The device's keys are worthless and its nodes leave the tailnet. Marked before this returns: the device may be
   * deleted right after the call, but not before, for its nodes would be forgotten with it. Its nodes are nobody's from
   * then on. Resolves after the first attempt; what failed is tried again.
   * @throws ClawError at once, not as a rejection, when nothing can be marked: the device must not be deleted then
   */
  revoke(device: DeviceId): Promise<void> {
    for (const ticket of this.#minting) if (ticket.device === device) ticket.isRevoked = true
    this.#keys.endOf(device, this.#now() as EpochMs)
    this.#removals.moveAllOf(device)
    return this.#revoker.run()
  }

  /** One node is nobody's from now on and leaves the tailnet. Resolves after the first attempt. */
  removeNode(stableId: string): Promise<void> {
    return this.#removals.move(stableId) ? this.#revoker.run() : Promise.resolve()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort()
    await this.#revoker[Symbol.asyncDispose]()
  }

  /** null: there is no OAuth client, but a key for all. */
  async #mint({ device, name, wholeMachine }: JoinKeyRequest): Promise<MintedKey | null> {
    const { api, clientAuthkey, tags } = this.#options
    if (api === null && clientAuthkey !== null) return null
    if (api === null) throw notConfigured()
    const kind = { reusable: !wholeMachine, ephemeral: !wholeMachine }
    const ticket = { device, isRevoked: false }
    this.#minting.add(ticket)
    try {
      const expirySeconds = wholeMachine ? wholeMachineSeconds : perProcessSeconds
      const wanted = { ...kind, tags, expirySeconds, description: describe(name) }
      const minted = await api.mintKey(wanted, this.#stop.signal)
      await this.#note(api, minted, { device, deviceName: name, ...kind })
      if (!ticket.isRevoked) return minted
    } finally {
      this.#minting.delete(ticket)
    }
    await this.revoke(device)
    throw new ClawError('CP_ONBOARD', `Cannot make a join key for ${JSON.stringify(name)}: it was removed meanwhile`)
  }

  async #note(
    api: TailscaleApi,
    { id, expiresAt }: MintedKey,
    of: { device: DeviceId; deviceName: string; reusable: boolean; ephemeral: boolean },
  ): Promise<void> {
    try {
      this.#keys.add({ id, expiresAt, ...of })
    } catch (error) {
      // a key that is not on record could never be revoked: nobody gets it
      await api.deleteKey(id).catch(() => false)
      throw error
    }
  }

  #static(): JoinKey {
    const { clientAuthkey } = this.#options
    if (clientAuthkey === null) throw notConfigured()
    return { key: clientAuthkey, expiresAt: null, isRevocable: false }
  }
}

/** Why nothing can be minted, in the words clients are told. */
export function notConfigured(): ClawError {
  return new ClawError(
    'CP_ONBOARD',
    'tailscale oauth not configured (set tailscale.oauth_client_id/oauth_client_secret)',
  )
}

/** What a key is called in the tailnet's console: letters, digits, spaces and hyphens, at most 50. */
function describe(name: string): string {
  return `clawpatrol ${name.replace(/[^A-Za-z0-9-]+/g, ' ').trim()}`.trim().slice(0, 50).trim()
}
