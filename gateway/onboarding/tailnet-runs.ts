import type { Bound, TailnetNodeFacts } from '../../onboard/server/ports.ts'
import type { DeviceId } from '../../workers/contract/ids.ts'
import { newId } from '../../workers/contract/new-id.ts'
import type { Devices } from '../store/devices.ts'
import type { NewTailnetNode, TailnetNodeRow, TailnetNodes } from '../store/tailnet-nodes.ts'
import { maxRunsPerDevice } from './runs.ts'
import { lingerMs } from './tailnet-members.ts'

/** How long one look at the tailnet may take, ms. */
const lookMs = 5000
/** A node has to be missed this often, one sweep after the other: a tailnet just joined is not known whole yet. */
const missesToForget = 2

/** What nodes of runs are kept with. */
export interface TailnetRunParts {
  readonly devices: Pick<Devices, 'get'>
  readonly nodes: TailnetNodes
  /** Whether the node is in the tailnet. @throws while that cannot be told */
  readonly isThere: (stableId: string) => Promise<boolean>
  /** Ends every live flow and connection of a node. */
  readonly endNode: (stableId: string) => void
  /** How often nodes that went away without a word are looked for. */
  readonly sweepEveryMs?: number
  /** Told of each node that becomes a device's. */
  readonly bound?: () => void
  /** Told how many were swept, when there were any. */
  readonly swept?: (count: number) => void
}

/** Nodes of devices in the tailnet: bound, ended, and swept when they left without a word. Owns its sweep timer. */
export interface TailnetRuns extends AsyncDisposable {
  /**
   * The node becomes one of the device's runs, or the device itself where that is a whole machine. A device's own node
   * stays what it is.
   */
  bindRun(device: DeviceId, node: TailnetNodeFacts, run: string | null): Bound
  /** The node becomes the device itself, unless it has one. */
  bindMachine(device: DeviceId, node: TailnetNodeFacts): Bound
  /** @returns false when the device has no such run */
  endRun(device: DeviceId, run: string): boolean
  /** Unbinds nodes of runs that have left the tailnet; @returns how many. */
  sweep(): Promise<number>
}

/** Keeps the nodes of runs. */
export function tailnetRuns({
  devices,
  nodes,
  isThere,
  endNode,
  sweepEveryMs = 10_000,
  bound,
  swept,
}: TailnetRunParts): TailnetRuns {
  /** How often each node has been missed in a row. */
  const missed = new Map<string, number>()
  const ends = new Map<string, NodeJS.Timeout>()
  const letIn = (device: DeviceId) => {
    const found = devices.get(device)
    return found === null || found.blocked ? null : found
  }

  const bind = (row: NewTailnetNode): Bound => {
    if (!nodes.bind(row)) return { kind: 'taken' }
    bound?.()
    return { kind: 'bound', run: row.run }
  }
  const bindOwn = (device: DeviceId, node: TailnetNodeFacts): Bound => {
    const hasOwn = nodes.listOf(device).some(({ ephemeral }) => !ephemeral)
    return hasOwn ? { kind: 'taken' } : bind({ ...rowOf(device, node), ephemeral: false, run: null })
  }
  const isGone = async ({ stableId }: TailnetNodeRow): Promise<boolean> => {
    const isPresent = await answered(isThere(stableId), lookMs)
    const misses = isPresent === false ? (missed.get(stableId) ?? 0) + 1 : 0
    if (misses === 0) missed.delete(stableId)
    else missed.set(stableId, misses)
    return misses >= missesToForget
  }
  const sweep = async () => {
    const live = nodes.list().filter(({ ephemeral }) => ephemeral)
    const ids = new Set(live.map(({ stableId }) => stableId))
    for (const id of missed.keys()) if (!ids.has(id)) missed.delete(id)
    let count = 0
    for (const node of live) {
      if (!(await isGone(node))) continue
      missed.delete(node.stableId)
      if (nodes.remove(node.stableId)) count += 1
      endNode(node.stableId)
    }
    if (count > 0) swept?.(count)
    return count
  }
  let sweeping: Promise<unknown> = Promise.resolve()
  const timer = setInterval(() => {
    // one that takes long is not overtaken by the next
    sweeping = sweeping.then(sweep).catch(() => undefined)
  }, sweepEveryMs)
  timer.unref()
  return {
    bindRun(device, node, run) {
      const known = letIn(device)
      if (known === null) return { kind: 'gone' }
      const before = nodes.get(node.stableId)
      if (before !== null && before.device !== device) return { kind: 'taken' }
      if (before?.ephemeral === false) return { kind: 'bound', run: null }
      if (known.wholeMachine) return bindOwn(device, node)
      const others = nodes.listOf(device).filter(({ ephemeral, stableId }) => ephemeral && stableId !== node.stableId)
      if (others.length >= maxRunsPerDevice) return { kind: 'too-many' }
      return bind({ ...rowOf(device, node), ephemeral: true, run: run ?? before?.run ?? newId() })
    },
    bindMachine(device, node) {
      if (letIn(device) === null) return { kind: 'gone' }
      return nodes.get(node.stableId) === null ? bindOwn(device, node) : { kind: 'taken' }
    },
    endRun(device, run) {
      const node = nodes.byRun(run)
      if (node === null || node.device !== device) return false
      const { stableId } = node
      nodes.remove(stableId)
      missed.delete(stableId)
      // the answer to this may have to go to the node itself
      const end = () => {
        ends.delete(stableId)
        // it may have been bound again
        if (nodes.get(stableId) === null) endNode(stableId)
      }
      clearTimeout(ends.get(stableId))
      ends.set(stableId, setTimeout(end, lingerMs))
      return true
    },
    sweep,
    async [Symbol.asyncDispose]() {
      clearInterval(timer)
      for (const timer of ends.values()) clearTimeout(timer)
      ends.clear()
      await sweeping
    },
  }
}

function rowOf(device: DeviceId, { stableId, addresses }: TailnetNodeFacts) {
  return {
    stableId,
    device,
    address4: addresses.find((address) => !address.includes(':')) ?? '',
    address6: addresses.find((address) => address.includes(':')) ?? null,
  }
}

/** null: no answer in time, or none at all. */
async function answered(work: Promise<boolean>, timeoutMs: number): Promise<boolean | null> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<null>((resolve) => {
    timer = setTimeout(() => resolve(null), timeoutMs)
  })
  try {
    return await Promise.race([work.catch(() => null), late])
  } finally {
    clearTimeout(timer)
  }
}
