import type { MintedKey, TailnetDesk, TailnetFacts } from '../../onboard/server/ports.ts'
import { ClawError } from '../../workers/contract/errors.ts'
import type { DeviceId } from '../../workers/contract/ids.ts'
import type { Devices } from '../store/devices.ts'
import type { TailnetKeys } from '../store/tailnet-keys.ts'
import type { TailnetNodes } from '../store/tailnet-nodes.ts'
import { isOperatorNode } from './operators.ts'
import type { TailnetParts } from './tailnet-members.ts'
import type { TailnetRuns } from './tailnet-runs.ts'

/** A key asked for again within this is the same one, ms: runs side by side do not outdate each other's. */
const sameKeyMs = 600_000

/** What onboarding sees of the tailnet is made of. */
export interface TailnetDeskParts {
  readonly devices: Pick<Devices, 'get'>
  readonly nodes: Pick<TailnetNodes, 'get'>
  readonly keys: TailnetParts['keys']
  /** Keys on record. */
  readonly keyRecords: Pick<TailnetKeys, 'listOf'>
  readonly runs: TailnetRuns
  /** Tags minted keys give; never empty. */
  readonly tags: readonly string[]
  /** As `isOperator` takes them; read anew each time. */
  readonly operators: () => readonly string[]
  /** null while the gateway's node is not in the tailnet. */
  readonly facts: () => TailnetFacts | null
  readonly now?: () => number
}

/** Fulfils onboarding's needs over the store and the gateway's membership in the tailnet. */
export function tailnetDesk(parts: TailnetDeskParts): TailnetDesk {
  const { devices, nodes, keys, keyRecords, runs, operators, facts, now = Date.now } = parts
  const tags = new Set(parts.tags)
  const rotated = new Map<DeviceId, { readonly at: number; readonly key: Promise<MintedKey> }>()
  return {
    facts,
    deviceOf: (stableId) => nodes.get(stableId)?.device ?? null,
    isTaggedByUs: (node) => node.user === null && node.tags.some((tag) => tags.has(tag)),
    isOperator: (node) => isOperatorNode(node, operators()),
    bindRun: runs.bindRun,
    bindMachine: runs.bindMachine,
    endRun: runs.endRun,
    rotateKey(device) {
      for (const [id, { at }] of rotated) if (Math.abs(now() - at) >= sameKeyMs) rotated.delete(id)
      const before = rotated.get(device)
      if (before !== undefined) return before.key
      const name = devices.get(device)?.name
      if (name === undefined)
        return Promise.reject(new ClawError('CP_ONBOARD', 'Cannot make a join key: no such device'))
      const key = keys.rotate({ device, name })
      rotated.set(device, { at: now(), key })
      key.catch(() => rotated.delete(device))
      return key
    },
    keyExpiresAt: (device) =>
      keyRecords
        .listOf(device)
        .filter(({ reusable, revokeAt }) => reusable && revokeAt === null)
        .at(-1)?.expiresAt ?? null,
  }
}
