import type { DeviceId } from '../../workers/contract/ids.ts'
import type { Log } from '../log.ts'
import type { Device, Devices } from '../store/devices.ts'
import type { Peers } from '../store/peers.ts'
import type { TailnetNodes } from '../store/tailnet-nodes.ts'
import { checkPin, comparable, type PinMode, pairOf, registeredIn } from './pinning.ts'
import { type Sightings, sightedNodes, sightedPeers } from './sightings.ts'
import type { PeerTransport } from './transport.ts'

/** How soon after a new run devices are looked at: it has been heard by then, ms. */
const soonMs = 1000
/** How long one look at the tailnet may take, ms. */
const answerMs = 5000
/** Looks at a network that may fail in a row before nobody can be said to be where they joined. */
const missesToHold = 2

/** What devices are watched with. */
export interface PinWatchParts {
  readonly devices: Pick<Devices, 'list' | 'get' | 'setExternal'>
  /** What the policy says of devices that are told nothing else; read anew each time. */
  readonly mode: () => PinMode
  /** Absent: no WireGuard. */
  readonly wireguard?: { readonly peers: Pick<Peers, 'list'>; readonly transport: Pick<PeerTransport, 'peers'> }
  /** Absent: no tailnet. */
  readonly tailnet?: {
    readonly nodes: Pick<TailnetNodes, 'list'>
    /** `ip:port` by stable id of the nodes that are reached directly; none while the gateway is not in the tailnet. */
    readonly endpoints: () => Promise<ReadonlyMap<string, string>>
  }
  readonly log: Pick<Log, 'info' | 'warn' | 'error'>
  readonly everyMs?: number
  readonly answerMs?: number
}

/** What follows from a look. */
export interface PinActs {
  /** Ends what the device does and lets it do nothing more; `because` is kept. */
  readonly block: (device: DeviceId, because: string) => Promise<unknown>
  /** Devices are on hold, or no longer: their live flows are to be judged again. */
  readonly recheck: () => void
}

/**
 * Watches where devices are and acts on those that are not where they joined. Owns its timer.
 *
 * While it cannot be said where devices are, those under `enforce` are on hold: none of their flows is let through.
 * They are not blocked, which only an operator can undo: the next look that succeeds lets them on.
 */
export class PinWatch implements AsyncDisposable {
  readonly #parts: PinWatchParts
  #acts: PinActs | null = null
  #timer: NodeJS.Timeout | undefined
  /** When the timer fires; null: a look is under way, or none is wanted any more. */
  #dueAt: number | null = null
  #looking: Promise<void> = Promise.resolve()
  #isSoonWanted = false
  #isOver = false
  /** What was said last of each device that is elsewhere: it is said once. */
  readonly #told = new Map<DeviceId, string>()
  /** Devices whose own check failed. */
  readonly #held = new Set<DeviceId>()
  /** Looks that failed in a row. */
  readonly #misses = { wireguard: 0, tailnet: 0 }

  constructor(parts: PinWatchParts) {
    this.#parts = parts
  }

  start(acts: PinActs): void {
    this.#acts = acts
    this.#arm(this.#parts.everyMs ?? 5000)
  }

  /** Looks shortly: something new is about to be heard. */
  soon(): void {
    if (this.#acts === null || this.#isOver) return
    if (this.#dueAt === null) this.#isSoonWanted = true
    else if (this.#dueAt - performance.now() > soonMs) this.#arm(soonMs)
  }

  /** Whether none of the device's flows may pass although it is not blocked. */
  isHeld(device: Device): boolean {
    if (this.#modeOf(device) !== 'enforce') return false
    return this.#held.has(device.id) || this.#misses[device.transport] >= missesToHold
  }

  /** Looks at every device that is to be watched; resolves when what follows has been done. Never rejects. */
  async look(): Promise<void> {
    const before = this.#holds()
    const doing: Promise<void>[] = []
    const { wireguard, tailnet } = this.#parts
    // first: the other network may keep us waiting
    if (wireguard !== undefined)
      await this.#see('wireguard', doing, async () => () => {
        return sightedPeers(wireguard.peers.list(), wireguard.transport.peers())
      })
    if (tailnet !== undefined)
      await this.#see('tailnet', doing, async () => {
        const endpoints = await inTime(tailnet.endpoints(), this.#parts.answerMs ?? answerMs)
        // whose node it is may have changed while we waited
        return () => sightedNodes(tailnet.nodes.list(), endpoints)
      })
    await Promise.all(doing)
    if (this.#holds() === before) return
    try {
      this.#acts?.recheck()
    } catch (error) {
      this.#parts.log.error('device.pin_recheck', { error })
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true
    clearTimeout(this.#timer)
    await this.#looking
  }

  #arm(ms: number): void {
    clearTimeout(this.#timer)
    if (this.#isOver) return
    this.#dueAt = performance.now() + ms
    this.#timer = setTimeout(() => {
      this.#dueAt = null
      this.#looking = this.look().finally(() => {
        this.#arm(this.#isSoonWanted ? soonMs : (this.#parts.everyMs ?? 5000))
        this.#isSoonWanted = false
      })
    }, ms).unref()
  }

  async #see(
    transport: Device['transport'],
    doing: Promise<void>[],
    look: () => Promise<() => Sightings>,
  ): Promise<void> {
    try {
      if (this.#watched(transport).length === 0) {
        this.#misses[transport] = 0
        return
      }
      const sightings = await look()
      const seen = sightings()
      this.#misses[transport] = 0
      for (const device of this.#watched(transport)) doing.push(this.#judge(device, seen.get(device.id) ?? []))
    } catch (error) {
      this.#misses[transport] += 1
      if (this.#misses[transport] !== missesToHold) return
      const hint = 'devices that are pinned with enforce get nowhere until it can be told where they are'
      this.#parts.log.error('device.pin_unknown', { transport, error, hint })
    }
  }

  #watched(transport: Device['transport']): readonly Device[] {
    const all = this.#parts.devices.list()
    const watched = all.filter((device) => !device.blocked && this.#modeOf(device) !== 'off')
    const ids = new Set(watched.map(({ id }) => id))
    for (const id of [...this.#told.keys(), ...this.#held]) if (!ids.has(id)) this.#forget(id)
    return watched.filter((device) => device.transport === transport)
  }

  /** Runs to the first wait without a pause: what was seen and what is on record belong together. */
  async #judge(device: Device, sighted: readonly string[]): Promise<void> {
    const { id, name } = device
    const mode = this.#modeOf(device)
    const { devices, log } = this.#parts
    try {
      const observed = device.transport === 'tailnet' ? comparable(device, sighted) : sighted
      const finding = checkPin(mode, this.#registered(device, observed), observed)
      if (finding.kind === 'fits') this.#forget(id)
      if (finding.kind !== 'deviates') return
      const { act, because } = finding
      const fields = { device: name, id, expected: registeredIn(device), seen: observed }
      if (act === 'warn') {
        if (this.#told.get(id) !== because) log.warn('device.elsewhere', fields)
        this.#told.set(id, because)
        this.#held.delete(id)
        return
      }
      await this.#acts?.block(id, because)
      this.#held.delete(id)
      // it may have been deleted meanwhile
      if (devices.get(id) === null) return
      log.warn('device.elsewhere_blocked', { ...fields, hint: `clawpatrol device unblock ${id}` })
    } catch (error) {
      if (this.#held.has(id)) return
      this.#held.add(id)
      log.error('device.pin_check', { device: name, id, error })
    }
  }

  /** The pair on record; where there is none, what is seen becomes it. */
  #registered(device: Device, observed: readonly string[]) {
    const { devices, log } = this.#parts
    if (registeredIn(device).length > 0) return device
    const pair = pairOf(observed)
    if (registeredIn(pair).length === 0) return device
    devices.setExternal(device.id, pair)
    log.info('device.pinned', { device: device.name, id: device.id, to: registeredIn(pair) })
    return pair
  }

  #modeOf(device: Device): PinMode {
    return device.pin ?? this.#parts.mode()
  }

  #forget(id: DeviceId): void {
    this.#told.delete(id)
    this.#held.delete(id)
  }

  /** Who is on hold, to compare. */
  #holds(): string {
    const blind = Object.values(this.#misses).map((misses) => misses >= missesToHold)
    return [...this.#held, ...blind].join(' ')
  }
}

async function inTime<T>(work: Promise<T>, timeoutMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}
