import type { EnrolRequest, JoinKeys } from '../../onboard/server/ports.ts'
import { ClawError } from '../../workers/contract/errors.ts'
import type { DeviceId } from '../../workers/contract/ids.ts'
import type { Device } from '../store/devices.ts'
import type { TailnetNodes } from '../store/tailnet-nodes.ts'

/** How long making a key may take, ms. */
export const mintMs = 30_000
/** How long a node whose device went away may still be told so, ms. */
export const lingerMs = 250

/** What devices of the tailnet are made of. */
export interface TailnetParts {
  readonly nodes: TailnetNodes
  readonly keys: JoinKeys
  /** Ends every live flow and connection of a node. */
  readonly endNode: (stableId: string) => void
  /** Told of what failed and is tried again, or is not needed any more. */
  readonly onTrouble?: (error: unknown) => void
  readonly mintMs?: number
}

/** Devices' keys and nodes in the tailnet, as enrolment changes them. Owns the timers of nodes that are about to end. */
export interface TailnetMembers extends AsyncDisposable {
  /**
   * A key for a device that joins. Whatever it had stays as it is.
   * @throws ClawError when there is none in time; none is left behind then
   */
  mint(device: Device, wanted: Extract<EnrolRequest['transport'], { kind: 'tailscale' }>): Promise<string>
  /** The nodes a device had before it joined again are nobody's. */
  rejoined(device: DeviceId, wanted: EnrolRequest['transport']): void
  /** The nodes of a blocked device end; its own one stays on record for the day it is let in again. */
  suspend(device: DeviceId): void
  /** Keys and nodes are worthless from now on. To be called while the device is on record. */
  forget(device: DeviceId): void
  /** IPv4 address of the device's own node, null when it has none. */
  addressOf(device: DeviceId): string | null
}

/** Keeps what devices have in the tailnet. */
export function tailnetMembers({ nodes, keys, endNode, onTrouble, ...options }: TailnetParts): TailnetMembers {
  const ends = new Map<string, NodeJS.Timeout>()
  const working = new Set<Promise<void>>()
  const inBackground = (work: Promise<void>) => {
    const settled = work.catch((error: unknown) => onTrouble?.(error)).finally(() => working.delete(settled))
    working.add(settled)
  }
  const endSoon = (stableId: string) => {
    clearTimeout(ends.get(stableId))
    const end = () => {
      ends.delete(stableId)
      endNode(stableId)
    }
    ends.set(stableId, setTimeout(end, lingerMs))
  }
  const endAll = (device: DeviceId) => {
    for (const { stableId } of nodes.listOf(device)) endSoon(stableId)
  }
  const own = (device: DeviceId) => nodes.listOf(device).find(({ ephemeral }) => !ephemeral)
  return {
    async mint({ id, name }, { isWholeMachine }) {
      // the key of runs has no use any more; a machine that was whole before has none
      if (isWholeMachine && own(id) === undefined) inBackground(keys.revoke(id))
      const minting = isWholeMachine
        ? keys.mint({ device: id, name, wholeMachine: true })
        : keys.rotate({ device: id, name })
      return (await inTime(minting, options.mintMs ?? mintMs)).key
    },
    rejoined(device, wanted) {
      endAll(device)
      if (wanted.kind === 'wireguard') return inBackground(keys.revoke(device))
      for (const { stableId, ephemeral } of nodes.listOf(device)) {
        // a machine that stays whole may come back as the same node: it is not to be removed under it
        if (ephemeral || wanted.isWholeMachine) nodes.remove(stableId)
        else inBackground(keys.removeNode(stableId))
      }
    },
    suspend(device) {
      endAll(device)
      for (const { stableId, ephemeral } of nodes.listOf(device)) if (ephemeral) nodes.remove(stableId)
    },
    forget(device) {
      endAll(device)
      inBackground(keys.revoke(device))
    },
    addressOf: (device) => own(device)?.address4 ?? null,
    async [Symbol.asyncDispose]() {
      for (const [stableId, timer] of ends) {
        clearTimeout(timer)
        endNode(stableId)
      }
      ends.clear()
      await Promise.allSettled(working)
    },
  }
}

/** Resolves like `work`, or throws when it takes too long. */
async function inTime<T>(work: Promise<T>, timeoutMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    const error = new ClawError('CP_TIMEOUT', `Cannot make a join key: no answer within ${timeoutMs / 1000} s`)
    timer = setTimeout(() => reject(error), timeoutMs)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}
