import type { Address, EpochMs, FlowId } from '../../workers/contract/ids.ts'
import { newId } from '../../workers/contract/new-id.ts'
import { canonicalAddress } from '../config/hosts.ts'
import type { IncomingDatagrams } from '../tailnet/tailnet.ts'
import type { LiveFlow } from './active.ts'
import type { DispatchParts } from './dispatch-ports.ts'
import { failed, towards } from './flow-record.ts'
import { identifySafely, type ProfileView } from './identify.ts'
import { reach } from './reach.ts'

/** Datagrams without an answer for so long are over, ms. */
const idleMs = 120_000
const quicPort = 443

/** Serves the datagrams of one 5-tuple to their end; never rejects. Nothing of them is decoded, so endpoints get none. */
export async function serveDatagrams(parts: DispatchParts, incoming: IncomingDatagrams): Promise<void> {
  const { ports, active, record, counts } = parts
  counts.datagrams += 1
  const identity = identifySafely(ports.devices, ports.profiles, incoming)
  if (identity.kind === 'closed') {
    counts.closed += 1
    incoming.drop()
    record.refused(towards(null, 'udp', incoming.to, { from: incoming.from.host }), identity.because)
    return
  }
  const { peer, view } = identity
  ports.seen?.(peer.device)
  const target = { host: canonicalAddress(incoming.to.host), port: incoming.to.port }
  const virtual = ports.names.lookUp(target.host)
  const flow = {
    id: newId() as FlowId,
    openedAt: Date.now() as EpochMs,
    peer,
    profile: view.profile.name,
    target,
    targetName: ownName(view, virtual),
  }
  const objection = datagramObjection(view, target, virtual)
  const live = objection === null ? active.open(flow, incoming.node) : null
  if (live === null) {
    counts.datagramsDropped += 1
    if (objection === quic) counts.quicDropped += 1
    incoming.drop()
    const to = { host: flow.targetName ?? target.host, port: target.port }
    record.refused(towards(flow, 'udp', to), objection ?? 'too many connections at once')
    return
  }
  try {
    await relay(parts, incoming, live)
  } finally {
    active.close(live)
  }
}

const quic = 'QUIC is not inspected: the agent has to use TCP'

/** Why a profile lets datagrams of this flow not through; null: it does. Asked again after each reload. */
export function datagramObjection(view: ProfileView, target: Address, virtual: VirtualTarget): string | null {
  return objectionTo(view, target.port, virtual !== null && ownName(view, virtual) === null)
}

type VirtualTarget = { readonly name: string | null } | null

function objectionTo({ profile, index }: ProfileView, port: number, isForeign: boolean): string | null {
  if (isForeign) return 'the virtual address belongs to nothing'
  if (index.ports.has(port) || (port === quicPort && profile.endpoints.length > 0)) return quic
  return profile.unknownHost === 'splice' ? null : 'no endpoint takes datagrams'
}

function ownName({ index }: ProfileView, virtual: VirtualTarget): string | null {
  const name = virtual?.name ?? null
  return name !== null && index.owners(name).length > 0 ? name : null
}

async function relay(parts: DispatchParts, incoming: IncomingDatagrams, live: LiveFlow): Promise<void> {
  const { ports, record, counts } = parts
  const { flow } = live
  const to = { host: flow.targetName ?? flow.target.host, port: flow.target.port }
  let end: Awaited<ReturnType<typeof record.admit>> = null
  let isAnswered = false
  const drop = (because: string) => {
    isAnswered = true
    counts.datagramsDropped += 1
    incoming.drop()
    if (end === null) record.refused(towards(flow, 'udp', to), because)
    else end({ status: 'error', error: because, bytesUp: 0, bytesDown: 0 })
  }
  // a reload while its record is written asks for it as for one that runs; it is dropped below
  live.become('udp', () => undefined)
  try {
    const found = await reach(ports, to)
    if (found.kind === 'refused') return drop(found.because)
    end = await record.admit(towards(flow, 'udp', to, { address: found.address.host }))
    if (end === null) return drop('the connection cannot be recorded now')
    if (live.cancelled !== null) return drop(live.cancelled)
    isAnswered = true
    live.become('udp', () => incoming.abort())
    const { bytesUp, bytesDown, error } = await incoming.relay(found.address, idleMs)
    const cause = live.cancelled ?? error
    end({ status: cause === null ? 'closed' : 'error', error: cause, bytesUp, bytesDown })
  } catch (error) {
    counts.faults += 1
    if (isAnswered) end?.(failed(error))
    else drop('an error of the gateway')
    incoming.abort()
  }
}
