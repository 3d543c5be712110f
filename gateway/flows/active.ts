import type { Flow, Route } from '../../workers/contract/flow.ts'
import type { Address, DeviceId, FlowId, ProfileName } from '../../workers/contract/ids.ts'
import type { RouteQuestion } from './router.ts'

/** What is being done with a live flow; `new`: not decided yet. */
export type LiveKind = 'new' | 'inspect' | 'splice' | 'relay' | 'udp' | 'names'

/** A live flow as lists show it. */
export interface LiveView {
  readonly flow: Flow
  readonly kind: LiveKind
}

/** Flows at once: of the whole gateway, and of one device, so that one cannot take every place. */
const mostFlows = 65_536
const mostPerDevice = 8192

/** One flow from its announcement to its end. */
export class LiveFlow {
  #flow: Flow
  #kind: LiveKind = 'new'
  #stop: ((because: string) => void) | null = null
  #cancelled: string | null = null
  /** Its route and what it was decided by; null until it was. */
  decided: { readonly question: RouteQuestion; readonly route: Route } | null = null

  /** Where it is relayed to; null: not at all. */
  relayedTo: Address | null = null

  /** Tailnet node it comes from. */
  readonly node: string | null

  constructor(flow: Flow, node: string | null) {
    this.#flow = flow
    this.node = node
  }

  get flow(): Flow {
    return this.#flow
  }

  get kind(): LiveKind {
    return this.#kind
  }

  /** Why it is to end; null: it is not. */
  get cancelled(): string | null {
    return this.#cancelled
  }

  /** The name it was found to be for. */
  name(targetName: string | null): void {
    this.#flow = { ...this.#flow, targetName }
  }

  /** Says what is done with it from now on and how that is stopped; at once when it was cancelled before. */
  become(kind: LiveKind, stop: (because: string) => void): void {
    this.#kind = kind
    this.#stop = stop
    if (this.#cancelled !== null) stop(this.#cancelled)
  }

  cancel(because: string): void {
    if (this.#cancelled !== null) return
    this.#cancelled = because
    this.#stop?.(because)
  }
}

/** Table of the live flows. */
export class ActiveFlows {
  readonly #live = new Map<FlowId, LiveFlow>()
  readonly #perDevice = new Map<DeviceId, number>()
  readonly #whenIdle = new Map<DeviceId, (() => void)[]>()

  get size(): number {
    return this.#live.size
  }

  /** @returns null when the gateway or the device has no room for another flow */
  open(flow: Flow, node: string | null = null): LiveFlow | null {
    const { device } = flow.peer
    const ofDevice = this.#perDevice.get(device) ?? 0
    if (this.#live.size >= mostFlows || ofDevice >= mostPerDevice) return null
    const live = new LiveFlow(flow, node)
    this.#live.set(flow.id, live)
    this.#perDevice.set(device, ofDevice + 1)
    return live
  }

  close({ flow }: LiveFlow): void {
    if (!this.#live.delete(flow.id)) return
    const left = (this.#perDevice.get(flow.peer.device) ?? 1) - 1
    if (left > 0) this.#perDevice.set(flow.peer.device, left)
    else {
      this.#perDevice.delete(flow.peer.device)
      for (const tell of this.#whenIdle.get(flow.peer.device) ?? []) tell()
      this.#whenIdle.delete(flow.peer.device)
    }
  }

  /** Resolves when the device has no flow, or when the time is up. */
  async idle(device: DeviceId, timeoutMs: number): Promise<void> {
    if (!this.#perDevice.has(device)) return
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, timeoutMs)
      const tell = () => {
        clearTimeout(timer)
        resolve()
      }
      this.#whenIdle.set(device, [...(this.#whenIdle.get(device) ?? []), tell])
    })
  }

  /** Oldest first. */
  list(): readonly LiveView[] {
    return [...this.#live.values()].map(({ flow, kind }) => ({ flow, kind }))
  }

  all(): readonly LiveFlow[] {
    return [...this.#live.values()]
  }

  /** @returns how many there were, of all cancels */
  cancelFlow(id: FlowId, because: string): number {
    return this.#cancelWhere(({ flow }) => flow.id === id, because)
  }

  cancelDevice(device: DeviceId, because: string): number {
    return this.#cancelWhere(({ flow }) => flow.peer.device === device, because)
  }

  cancelProfile(profile: ProfileName, because: string): number {
    return this.#cancelWhere(({ flow }) => flow.profile === profile, because)
  }

  cancelAll(because: string): number {
    return this.#cancelWhere(() => true, because)
  }

  #cancelWhere(isMeant: (live: LiveFlow) => boolean, because: string): number {
    const meant = this.all().filter((live) => live.cancelled === null && isMeant(live))
    for (const live of meant) live.cancel(because)
    return meant.length
  }
}
