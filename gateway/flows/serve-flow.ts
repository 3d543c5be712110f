import { closeSync } from 'node:fs'
import type { Route } from '../../workers/contract/flow.ts'
import type { Address, EpochMs, Fd, FlowId } from '../../workers/contract/ids.ts'
import { newId } from '../../workers/contract/new-id.ts'
import { parseClientHello } from '../../workers/wire/client-hello.ts'
import { canonicalAddress } from '../config/hosts.ts'
import type { IncomingFlow } from '../tailnet/tailnet.ts'
import type { LiveFlow } from './active.ts'
import type { DispatchParts } from './dispatch-ports.ts'
import { failed, towards } from './flow-record.ts'
import { identifySafely, type ProfileView } from './identify.ts'
import { reach } from './reach.ts'
import { claimsAt, type Routed, type RouteQuestion, route } from './router.ts'
import { serveNameStream } from './serve-names.ts'

type Of<K extends Route['kind']> = Extract<Route, { kind: K }>

/** How long an agent may take with its ClientHello, ms. */
const peekMs = 10_000
/** Bytes looked at for a ClientHello: more than one record holds; every flow that is peeked at takes so much memory. */
const peekBytes = 20 * 1024
/** How long connecting for a relayed flow may take, ms. */
const relayDialMs = 10_000
/** How long a worker may take to end a cancelled flow by itself, ms. */
const cancelMs = 500

/**
 * Serves one announced TCP flow to its end; never rejects. Exactly one of take, relay and refuse follows: whatever goes
 * wrong before is a refusal, whatever goes wrong after is a reset.
 */
export async function serveFlow(parts: DispatchParts, incoming: IncomingFlow): Promise<void> {
  const { ports, active, record, counts } = parts
  counts.flows += 1
  const identity = identifySafely(ports.devices, ports.profiles, incoming)
  if (identity.kind === 'closed') {
    counts.closed += 1
    incoming.refuse()
    record.refused(towards(null, 'relay', incoming.to, { from: incoming.from.host }), identity.because)
    return
  }
  const { peer, view } = identity
  ports.seen?.(peer.device)
  const target = { host: canonicalAddress(incoming.to.host), port: incoming.to.port }
  const flow = {
    id: newId() as FlowId,
    openedAt: Date.now() as EpochMs,
    peer,
    profile: view.profile.name,
    target,
    targetName: null,
  }
  const live = active.open(flow, incoming.node)
  if (live === null) {
    counts.refused += 1
    incoming.refuse()
    record.refused(towards(flow, 'relay', target), 'too many connections at once')
    return
  }
  const answer = new Answer(parts, incoming, live)
  try {
    await steer(parts, answer, view)
  } catch (error) {
    counts.faults += 1
    answer.refuse(target, failed(error).error ?? 'an error of the gateway')
    incoming.abort()
  } finally {
    active.close(live)
  }
}

/** The one answer a flow gets. */
class Answer {
  readonly incoming: IncomingFlow
  readonly live: LiveFlow
  readonly #parts: DispatchParts
  #isGiven = false

  constructor(parts: DispatchParts, incoming: IncomingFlow, live: LiveFlow) {
    this.#parts = parts
    this.incoming = incoming
    this.live = live
  }

  /** Says that `take` or `relay` is called next; false when the flow has been refused meanwhile. */
  give(): boolean {
    if (this.#isGiven) return false
    this.#isGiven = true
    return true
  }

  /** @param to where it wanted to go, for the record */
  refuse(to: Address, because: string): void {
    if (!this.give()) return
    const { record, counts } = this.#parts
    counts.refused += 1
    this.incoming.refuse()
    const { flow } = this.live
    record.refused(towards(flow, flow.targetName === null ? 'relay' : 'splice', to), because)
  }
}

async function steer(parts: DispatchParts, answer: Answer, view: ProfileView): Promise<void> {
  const { live } = answer
  const { target } = live.flow
  const found = await find(parts, answer, view)
  if (found === null) return
  const { route: chosen, targetName } = found
  live.name(targetName)
  switch (chosen.kind) {
    case 'inspect':
      return await inspect(parts, answer, chosen)
    case 'names':
      return await names(parts, answer)
    case 'splice':
      return await relay(parts, answer, view, chosen.to)
    case 'refuse':
      return answer.refuse({ host: targetName ?? target.host, port: target.port }, chosen.because)
    case 'peek':
      return answer.refuse(target, 'the ClientHello was read and led nowhere')
    default:
      return chosen satisfies never
  }
}

/** @returns null when the flow has been refused */
async function find({ ports }: DispatchParts, answer: Answer, view: ProfileView): Promise<Routed | null> {
  const { live } = answer
  const { target } = live.flow
  const cancelled = new Promise<null>((resolve) => {
    live.become('new', (because) => {
      answer.refuse(target, because)
      resolve(null)
    })
  })
  const virtual = ports.names.lookUp(target.host)
  const question = { target, virtual, located: ports.addresses.locate(target.host), serverName: undefined }
  const routed = route(view, question)
  if (routed.route.kind !== 'peek') return decide(live, question, routed)
  const serverName = await Promise.race([readServerName(answer), cancelled])
  if (serverName === null) return null
  const newest = ports.profiles.view(view.profile.name)
  if (newest === null) {
    answer.refuse(target, 'the profile is no longer in the policy')
    return null
  }
  const named = { ...question, serverName: serverName.value }
  return decide(live, named, route(newest, named))
}

function decide(live: LiveFlow, question: RouteQuestion, routed: Routed): Routed {
  live.decided = { question, route: routed.route }
  return routed
}

/** @returns null when the flow has been refused */
async function readServerName(answer: Answer): Promise<{ readonly value: string | null } | null> {
  const enough = (bytes: Uint8Array) => parseClientHello(bytes).kind !== 'more'
  const bytes = await answer.incoming.peek({ maxBytes: peekBytes, timeoutMs: peekMs, enough }).catch(() => null)
  if (bytes === null) {
    answer.refuse(answer.live.flow.target, 'the agent went away')
    return null
  }
  const hello = parseClientHello(bytes)
  if (hello.kind !== 'more') return { value: hello.kind === 'hello' ? hello.serverName : null }
  // what is silent here could say later what has to be known now
  const because = bytes.length === 0 ? 'nothing was sent where a ClientHello is due' : 'the ClientHello is incomplete'
  answer.refuse(answer.live.flow.target, because)
  return null
}

async function inspect(parts: DispatchParts, answer: Answer, chosen: Of<'inspect'>): Promise<void> {
  const { ports, record, counts } = parts
  const { incoming, live } = answer
  const { flow } = live
  const to = { host: flow.targetName ?? flow.target.host, port: flow.target.port }
  if (!ports.pools.hasRoom(flow.profile)) return answer.refuse(to, 'the profile has no room for another connection')
  if (!answer.give()) return
  const fd = await take(answer)
  if (typeof fd === 'string') return record.refused(towards(flow, 'splice', to), fd)
  counts.inspected += 1
  let timer: NodeJS.Timeout | undefined
  const ended = ports.pools.run(flow, chosen, fd)
  live.become('inspect', (because) => {
    ports.pools.cancel(flow.id, because)
    timer = setTimeout(() => incoming.abort(), cancelMs)
  })
  const report = await ended
  clearTimeout(timer)
  // the agent may hold its half open
  if (live.cancelled !== null) incoming.abort()
  // a worker records its actions; where there were none, that there could have been some is said here
  if (report.fault !== null && report.actions === 0) record.refused(towards(flow, 'splice', to), report.fault.message)
}

async function names(parts: DispatchParts, answer: Answer): Promise<void> {
  if (!answer.give()) return
  const fd = await take(answer)
  if (typeof fd === 'string') return
  await serveNameStream(parts, answer.live, fd)
  if (answer.live.cancelled !== null) answer.incoming.abort()
}

/** @returns the descriptor, the caller's own; or why there is none */
async function take({ incoming, live }: Answer): Promise<Fd | string> {
  const fd = await incoming.take().catch(() => null)
  if (fd !== null && live.cancelled === null) return fd
  if (fd !== null) closeSync(fd)
  incoming.abort()
  return live.cancelled ?? 'the agent went away'
}

async function relay(parts: DispatchParts, answer: Answer, view: ProfileView, to: Address): Promise<void> {
  const { ports, record, counts } = parts
  const { incoming, live } = answer
  const { flow } = live
  const kind = flow.targetName === null ? 'relay' : 'splice'
  const found = await reach(ports, to)
  if (found.kind === 'refused') return answer.refuse(to, found.because)
  const { host } = found.address
  const [claim] = claimsAt(ports.profiles.view(flow.profile) ?? view, found.address, ports.addresses.locate(host))
  if (claim !== undefined) return answer.refuse(to, `${to.host} is at ${host}, which ${claim} claims`)
  const end = await record.admit(towards(flow, kind, to, { address: found.address.host }))
  if (end === null) return answer.refuse(to, 'the connection cannot be recorded now')
  if (!answer.give()) return end({ status: 'error', error: live.cancelled, bytesUp: 0, bytesDown: 0 })
  counts.relayed += 1
  live.relayedTo = found.address
  live.become(kind, () => incoming.abort())
  try {
    const { bytesUp, bytesDown, endedBy, error } = await incoming.relay(found.address, relayDialMs)
    const cause = live.cancelled ?? error
    const isFine = cause === null && (endedBy === 'peer' || endedBy === 'upstream')
    end({ status: isFine ? 'closed' : 'error', error: cause, bytesUp, bytesDown })
  } catch (error) {
    end(failed(error))
    throw error
  }
}
