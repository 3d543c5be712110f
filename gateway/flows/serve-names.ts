import { Socket } from 'node:net'
import type { DeviceId, Fd } from '../../workers/contract/ids.ts'
import type { IncomingQuery } from '../tailnet/tailnet.ts'
import type { LiveFlow } from './active.ts'
import { type Asker, answerQuery } from './answer-query.ts'
import type { DispatchParts } from './dispatch-ports.ts'
import { type DnsQuery, parseQuery, rcode, udpLimit, writeAnswer, writeError } from './dns-message.ts'
import { identifySafely } from './identify.ts'

/** Look-ups at once: of one device, and of all. */
const mostPerDevice = 64
const mostAtOnce = 2048
/** A TCP connection for look-ups without a question for so long is closed, ms. */
const idleMs = 10_000
/** Largest question read over TCP, bytes: a name, and what EDNS may add. */
const largestQuery = 4096

/** How many look-ups are under way, and for whom. */
const underWay = new WeakMap<DispatchParts, { all: number; readonly per: Map<DeviceId, number> }>()

/** Answers one query that came as a datagram; of unknown devices, none. */
export async function serveQuery(parts: DispatchParts, incoming: IncomingQuery): Promise<void> {
  const { ports, counts } = parts
  const identity = identifySafely(ports.devices, ports.profiles, incoming)
  if (identity.kind === 'closed') {
    counts.closed += 1
    return
  }
  ports.seen?.(identity.peer.device)
  const asker = { peer: identity.peer, view: identity.view, server: incoming.to }
  const answer = await answerBytes(parts, asker, incoming.payload, udpLimit)
  if (answer !== null) incoming.reply(answer)
}

/** Serves a TCP connection for look-ups to its end; owns the descriptor. */
export async function serveNameStream(parts: DispatchParts, live: LiveFlow, fd: Fd): Promise<void> {
  const { peer, profile, target } = live.flow
  const socket = new Socket({ fd, readable: true, writable: true, allowHalfOpen: true })
  socket.on('error', () => undefined)
  socket.setTimeout(idleMs, () => socket.destroy())
  live.become('names', () => socket.destroy())
  try {
    let left: Buffer = Buffer.alloc(0)
    for await (const chunk of socket as AsyncIterable<Buffer>) {
      left = left.length === 0 ? chunk : Buffer.concat([left, chunk])
      while (left.length >= 2) {
        const length = left.readUInt16BE(0)
        if (length > largestQuery) return
        if (left.length < 2 + length) break
        const view = parts.ports.profiles.view(profile)
        if (view === null) return
        const payload = left.subarray(2, 2 + length)
        left = left.subarray(2 + length)
        const answer = await answerBytes(parts, { peer, view, server: target }, payload, () => 65_535)
        if (answer === null) return
        await write(socket, answer)
      }
    }
    socket.end()
  } catch {
    // reset by the agent: there is nobody left to answer
  } finally {
    socket.destroySoon()
  }
}

/** @returns null: nothing is answered */
async function answerBytes(
  parts: DispatchParts,
  asker: Asker,
  payload: Uint8Array,
  limitOf: (query: DnsQuery) => number,
): Promise<Uint8Array | null> {
  parts.counts.queries += 1
  const parsed = parseQuery(payload)
  if (parsed.kind === 'drop') return null
  if (parsed.kind === 'error') return writeError(parsed.id, parsed.code)
  const { query } = parsed
  const place = enter(parts, asker.peer.device)
  if (place === null) {
    parts.counts.queriesTurnedAway += 1
    return writeAnswer(query, { code: rcode.servFail, records: [] }, limitOf(query))
  }
  try {
    return writeAnswer(query, await answerQuery(parts, asker, query), limitOf(query))
  } catch {
    parts.counts.faults += 1
    return writeAnswer(query, { code: rcode.servFail, records: [] }, limitOf(query))
  } finally {
    place()
  }
}

/** @returns how to leave again; null when there is no room */
function enter(parts: DispatchParts, device: DeviceId): (() => void) | null {
  const now = underWay.get(parts) ?? { all: 0, per: new Map<DeviceId, number>() }
  underWay.set(parts, now)
  const ofDevice = now.per.get(device) ?? 0
  if (now.all >= mostAtOnce || ofDevice >= mostPerDevice) return null
  now.all += 1
  now.per.set(device, ofDevice + 1)
  return () => {
    now.all -= 1
    const left = (now.per.get(device) ?? 1) - 1
    if (left > 0) now.per.set(device, left)
    else now.per.delete(device)
  }
}

async function write(socket: Socket, answer: Uint8Array): Promise<void> {
  const head = Buffer.alloc(2)
  head.writeUInt16BE(answer.length)
  await new Promise<void>((resolve, reject) => {
    socket.write(Buffer.concat([head, answer]), (error) => (error == null ? resolve() : reject(error)))
    // a destroyed socket calls no callback of a write that was never begun
    if (socket.destroyed) reject(new Error('the connection is over'))
  })
}
