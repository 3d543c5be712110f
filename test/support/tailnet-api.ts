import type { KeyRequest, MintedKey, TailscaleApi } from '../../gateway/tailscale/api.ts'
import { ClawError } from '../../workers/contract/errors.ts'
import type { EpochMs } from '../../workers/contract/ids.ts'

/** The API of a tailnet, in memory. */
export class TailnetApi implements TailscaleApi {
  /** Keys that work, by id. */
  readonly keys = new Map<string, KeyRequest & { readonly key: string }>()
  /** Ids of nodes it was told to remove. */
  readonly removed: string[] = []
  /** Not null: why every call fails. */
  failure: string | null = null
  /** Not null: calls for keys wait for it. */
  gate: Promise<void> | null = null
  readonly #now: () => number
  #made = 0

  constructor(now: () => number) {
    this.#now = now
  }

  async mintKey(request: KeyRequest): Promise<MintedKey> {
    await this.gate
    this.#mustWork()
    this.#made += 1
    const id = `k${this.#made}`
    const key = `tskey-auth-${id}-secret`
    this.keys.set(id, { ...request, key })
    return { id, key, expiresAt: (this.#now() + request.expirySeconds * 1000) as EpochMs }
  }

  async deleteKey(id: string): Promise<boolean> {
    this.#mustWork()
    return this.keys.delete(id)
  }

  async deleteDevice(stableId: string): Promise<boolean> {
    this.#mustWork()
    this.removed.push(stableId)
    return true
  }

  devices = async () => []
  routes = async () => ({ kind: 'answered', value: { advertisedRoutes: [], enabledRoutes: [] } }) as const
  setRoutes = async () => ({ kind: 'answered', value: { advertisedRoutes: [], enabledRoutes: [] } }) as const

  #mustWork(): void {
    if (this.failure !== null) throw new ClawError('CP_ONBOARD', this.failure)
  }
}
