import { setTimeout as wait } from 'node:timers/promises'
import type { Route } from '../../workers/contract/flow.ts'
import type { DeviceId, FlowId, ProfileName } from '../../workers/contract/ids.ts'
import type { IncomingDatagrams, IncomingFlow, IncomingQuery, TailnetHandlers } from '../tailnet/tailnet.ts'
import { ActiveFlows, type LiveFlow, type LiveView } from './active.ts'
import type { DispatchCounts, DispatchParts, DispatchPorts } from './dispatch-ports.ts'
import { FlowRecord } from './flow-record.ts'
import { identifySafely, type ProfileView } from './identify.ts'
import { claimsAt, type RouteQuestion, route } from './router.ts'
import { datagramObjection, serveDatagrams } from './serve-datagrams.ts'
import { serveFlow } from './serve-flow.ts'
import { serveQuery } from './serve-names.ts'

/** How long the flows of a device may take to end once they are cancelled, ms: a little more than a worker may. */
const endMs = 700
const settleMs = 20
const noNames: ReadonlySet<string> = new Set()

/**
 * What happens to everything a tailnet brings: announced flows are identified, routed and handed to workers, relayed
 * inside the binding or refused; look-ups are answered; datagrams are relayed or dropped.
 */
export class Dispatch implements TailnetHandlers, AsyncDisposable {
  readonly #parts: DispatchParts
  readonly #pending = new Set<Promise<void>>()
  #isClosed = false

  constructor(ports: DispatchPorts) {
    const counts: DispatchCounts = {
      flows: 0,
      closed: 0,
      refused: 0,
      inspected: 0,
      relayed: 0,
      datagrams: 0,
      datagramsDropped: 0,
      quicDropped: 0,
      queries: 0,
      queriesTurnedAway: 0,
      faults: 0,
    }
    this.#parts = { ports, active: new ActiveFlows(), record: new FlowRecord(ports), counts }
  }

  flow(incoming: IncomingFlow): void {
    if (this.#isClosed) incoming.refuse()
    else this.#follow(serveFlow(this.#parts, incoming))
  }

  datagrams(incoming: IncomingDatagrams): void {
    if (this.#isClosed) incoming.drop()
    else this.#follow(serveDatagrams(this.#parts, incoming))
  }

  query(incoming: IncomingQuery): void {
    if (!this.#isClosed) this.#follow(serveQuery(this.#parts, incoming))
  }

  /** Live flows, oldest first. */
  list(): readonly LiveView[] {
    return this.#parts.active.list()
  }

  /** @returns how many flows there were to cancel; so do the others */
  cancelFlow(id: FlowId, because: string): number {
    return this.#parts.active.cancelFlow(id, because)
  }

  cancelDevice(device: DeviceId, because: string): number {
    return this.#parts.active.cancelDevice(device, because)
  }

  /** Ends every flow of a device and waits, shortly, until its agents have been told. */
  async endDevice(device: DeviceId, because: string): Promise<void> {
    const { active } = this.#parts
    if (active.cancelDevice(device, because) === 0) return
    await active.idle(device, endMs)
    // what ends their connections is still on its way into the tunnel
    await wait(settleMs)
  }

  cancelProfile(profile: ProfileName, because: string): number {
    return this.#parts.active.cancelProfile(profile, because)
  }

  /**
   * Ends the flows that would not be let through in the same way now. Call after a reload of the policy, and whenever
   * a device was deleted, blocked or given another profile.
   * @returns how many
   */
  recheck(): number {
    const ended = this.#parts.active.all().filter((live) => live.cancelled === null && this.#endIfChanged(live))
    return ended.length
  }

  stats(): DispatchCounts & { readonly live: number; readonly unrecorded: number; readonly repeated: number } {
    const { counts, active, record } = this.#parts
    return { ...counts, live: active.size, unrecorded: record.unrecorded, repeated: record.repeated }
  }

  /** Refuses everything from now on, ends every flow and resolves when they are over. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true
    const ended = this.#parts.active.cancelAll('the gateway is stopping')
    await Promise.all(this.#pending)
    // what ends their connections is still on its way into the tunnel
    if (ended > 0) await wait(settleMs)
  }

  #follow(served: Promise<void>): void {
    const followed = served
      .catch(() => {
        this.#parts.counts.faults += 1
      })
      .finally(() => this.#pending.delete(followed))
    this.#pending.add(followed)
  }

  #endIfChanged(live: LiveFlow): boolean {
    const because = this.#changeOf(live)
    if (because !== null) live.cancel(because)
    return because !== null
  }

  /** An inspected flow keeps the name its address stood for when it began; others may have become known since. */
  #askAgain({ index }: ProfileView, { question, route: before }: NonNullable<LiveFlow['decided']>): RouteQuestion {
    const { target, located } = question
    const isSame = (name: string) =>
      before.kind === 'inspect' && index.find(name, target.port).some((each) => before.candidates.includes(each))
    const now = this.#parts.ports.addresses.locate(target.host)
    const names = before.kind === 'inspect' ? located.names.filter(isSame) : now.names
    return { ...question, located: { names, unknown: noNames } }
  }

  #changeOf({ flow, node, kind, decided, relayedTo }: LiveFlow): string | null {
    const { ports } = this.#parts
    const identity = identifySafely(ports.devices, ports.profiles, { from: flow.peer.address, node })
    if (identity.kind === 'closed') return identity.because
    const { peer, view } = identity
    if (peer.device !== flow.peer.device) return 'the address belongs to another device'
    if (view.profile.name !== flow.profile) return 'the device has another profile'
    if (kind === 'udp') return datagramObjection(view, flow.target, ports.names.lookUp(flow.target.host))
    if (relayedTo !== null) {
      const [claim] = claimsAt(view, relayedTo, ports.addresses.locate(relayedTo.host))
      if (claim !== undefined) return `${relayedTo.host} is what ${claim} claims`
    }
    // still being decided, by what the policy says then
    if (decided === null) return null
    const now = route(view, this.#askAgain(view, decided)).route
    return isAsBefore(decided.route, now) ? null : 'the policy treats this host differently now'
  }
}

function isAsBefore(before: Route, now: Route): boolean {
  if (before.kind !== 'inspect' || now.kind !== 'inspect') return before.kind === now.kind
  return now.candidates.some((name) => before.candidates.includes(name))
}
