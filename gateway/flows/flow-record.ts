import type { ActionEvent, Fact } from '../../workers/contract/action.ts'
import { toFault } from '../../workers/contract/errors.ts'
import type { Flow } from '../../workers/contract/flow.ts'
import type { ActionId, Address, EpochMs, FlowId } from '../../workers/contract/ids.ts'
import { newId } from '../../workers/contract/new-id.ts'
import type { Decider, Verdict } from '../../workers/contract/verdict.ts'

/** How the gateway itself treats what no endpoint claims: by name, by address, as datagrams, as a look-up. */
export type GatewayProtocol = 'splice' | 'relay' | 'udp' | 'dns'

/** One thing to record that no worker sees. */
export interface Unclaimed {
  /** null: of an unknown device. */
  readonly flow: Flow | null
  readonly protocol: GatewayProtocol
  readonly title: string
  readonly facts: { readonly [name: string]: Fact }
}

/** How something admitted went. */
export interface Ending {
  readonly status: string
  readonly error: string | null
  readonly bytesUp: number
  readonly bytesDown: number
}

/** Where records go; `record` resolves when they are committed. */
export interface RecordPort {
  record(flow: Flow | null, events: readonly ActionEvent[]): Promise<void>
  recorderHealthy(): boolean
}

/** How long an admission may wait for its record, ms. */
const admitMs = 5000
/** Records on their way; beyond it nothing is admitted, and refusals are only counted. */
const mostPending = 4096
/** The same refusal of datagrams, or of a device that is not let in, is recorded once in so long, ms. */
const repeatMs = 10_000
const mostRemembered = 4096
const byDefault: Decider = { by: 'default', setting: 'unknown_host' }
const unused: Ending = { status: 'error', error: 'not begun', bytesUp: 0, bytesDown: 0 }

/** Records what the gateway admits and refuses by itself. Nothing is admitted before its record is committed. */
export class FlowRecord {
  readonly #port: RecordPort
  #pending = 0
  /** Refusals that found no room in the record, or were not taken. */
  unrecorded = 0
  /** Refusals like one just recorded. */
  repeated = 0
  readonly #recent = new Map<string, number>()

  constructor(port: RecordPort) {
    this.#port = port
  }

  /**
   * Records that something is let through.
   * @returns how to record its end, once; null when it cannot be recorded now: it must not happen
   */
  async admit(what: Unclaimed): Promise<((ending: Ending) => void) | null> {
    if (!this.#port.recorderHealthy() || this.#pending >= mostPending) return null
    const opened = open(what, { kind: 'allow', decider: byDefault })
    const committed = this.#write(what.flow, [opened])
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<'late'>((resolve) => {
      timer = setTimeout(resolve, admitMs, 'late')
    })
    const outcome = await Promise.race([committed, late])
    clearTimeout(timer)
    const end = (ending: Ending) => void this.#write(what.flow, [close(opened.action.id, ending)])
    if (outcome === true) return end
    // it may be committed yet: then it was never begun
    if (outcome === 'late') void committed.then((isWritten) => isWritten && end(unused))
    return null
  }

  /** Records that something was refused. What costs its sender nothing is not recorded again and again. */
  refused(what: Unclaimed, reason: string): void {
    const isCheap = what.flow === null || what.protocol === 'udp'
    if (isCheap && this.#isRepeated(`${what.flow?.peer.device ?? what.facts.from} ${what.title} ${reason}`)) {
      this.repeated += 1
      return
    }
    if (this.#pending >= mostPending) {
      this.unrecorded += 1
      return
    }
    const opened = open(what, { kind: 'deny', decider: byDefault, reason })
    const closed = close(opened.action.id, { status: 'denied', error: null, bytesUp: 0, bytesDown: 0 })
    void this.#write(what.flow, [opened, closed])
  }

  #isRepeated(key: string): boolean {
    const now = performance.now()
    if (now - (this.#recent.get(key) ?? Number.NEGATIVE_INFINITY) < repeatMs) return true
    // a flood of different ones: the oldest are forgotten and may be recorded again
    const [oldest] = this.#recent.size >= mostRemembered ? this.#recent.keys() : []
    if (oldest !== undefined) this.#recent.delete(oldest)
    this.#recent.delete(key)
    this.#recent.set(key, now)
    return false
  }

  async #write(flow: Flow | null, events: readonly ActionEvent[]): Promise<boolean> {
    this.#pending += 1
    try {
      await this.#port.record(flow, events)
      return true
    } catch {
      // the recorder keeps what it can; what it would not take is counted
      this.unrecorded += events.length
      return false
    } finally {
      this.#pending -= 1
    }
  }
}

/** Title and facts of a connection or of datagrams to an address. */
export function towards(
  flow: Flow | null,
  protocol: Exclude<GatewayProtocol, 'dns'>,
  to: Address,
  extra: { readonly [name: string]: Fact } = {},
): Unclaimed {
  const host = to.host.includes(':') ? `[${to.host}]` : to.host
  const transport = protocol === 'udp' ? 'udp' : 'tcp'
  const facts = { host: to.host, port: to.port, transport, ...extra }
  return { flow, protocol, title: `${transport.toUpperCase()} ${host}:${to.port}`, facts }
}

/** What an error came to, as an ending. */
export function failed(error: unknown): Ending {
  return { status: 'error', error: toFault(error).message, bytesUp: 0, bytesDown: 0 }
}

function open({ flow, protocol, title, facts }: Unclaimed, verdict: Verdict): Extract<ActionEvent, { kind: 'opened' }> {
  const id = newId() as ActionId
  const action = {
    id,
    flow: flow?.id ?? (id as string as FlowId),
    endpoint: null,
    protocol,
    credential: null,
    title,
    facts,
    unknowns: [],
    at: Date.now() as EpochMs,
  }
  return { kind: 'opened', action, verdict }
}

function close(action: ActionId, ending: Ending): ActionEvent {
  return { kind: 'closed', action, ...ending, request: null, response: null, at: Date.now() as EpochMs }
}
