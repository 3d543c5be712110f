import type { MessagePort } from 'node:worker_threads'
import { adopt } from './adopt.ts'
import { ClawError, fromFault } from './contract/errors.ts'
import type { CredentialName, Fd, FlowId } from './contract/ids.ts'
import type { Control, HostCallName, HostCalls, RateReading, Secret, ToHost } from './contract/messages.ts'
import type { Profile } from './contract/profile.ts'
import { Recording } from './recording.ts'

/** How long main may take to answer, ms. A dial includes the 10 s that connecting may take. */
const deadlineMs: { readonly [N in HostCallName]: number } = {
  profile: 5000,
  dial: 15_000,
  certificate: 5000,
  secret: 5000,
  rates: 5000,
}
/** Calls that may wait for their answers at once. */
const maxPending = 4096

interface Pending {
  readonly name: HostCallName
  /** null: the caller has given up; what still comes must be given back. */
  settle: { readonly resolve: (value: unknown) => void; readonly reject: (error: Error) => void } | null
}

/**
 * The worker's side of the port to main: calls as promises with deadlines, events out, control in.
 * When the port closes, everything pending fails and everything new is refused, so that callers deny.
 */
export class HostLink {
  readonly #port: MessagePort
  readonly #pending = new Map<number, Pending>()
  readonly #flows = new Map<FlowId, AbortController>()
  readonly #secrets = new Map<CredentialName, Promise<Secret | null>>()
  #nextCall = 0
  #isLost = false
  readonly recording: Recording
  /** Called with each new revision main sends. */
  onProfile: (profile: Profile) => void = () => undefined

  constructor(port: MessagePort, options: { readonly recordWaitMs?: number } = {}) {
    this.#port = port
    this.recording = new Recording(
      { record: (events) => this.#post({ kind: 'record', events }), tell: () => this.#post({ kind: 'left' }) },
      options.recordWaitMs,
    )
    port.on('message', (message: Control) => this.#receive(message))
    port.on('close', () => this.#lose())
  }

  /** Whether main can no longer be reached. */
  get isLost(): boolean {
    return this.#isLost
  }

  /**
   * Asks main; main checks the call against this thread's profile.
   * @throws ClawError CP_HOST_LOST, CP_TIMEOUT, CP_LIMIT, or the fault main answered with
   */
  call<N extends HostCallName>(
    name: N,
    flow: FlowId | null,
    request: HostCalls[N]['request'],
  ): Promise<HostCalls[N]['reply']> {
    if (this.#isLost) return Promise.reject(lost(name))
    if (this.#pending.size >= maxPending)
      return Promise.reject(new ClawError('CP_LIMIT', `cannot ask for ${name}: ${maxPending} calls wait already`))
    const id = this.#nextCall++
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        pending.settle = null
        if (name !== 'dial' && name !== 'rates') this.#pending.delete(id)
        reject(new ClawError('CP_TIMEOUT', `no answer to ${name} within ${deadlineMs[name]} ms`))
      }, deadlineMs[name])
      const pending: Pending = {
        name,
        settle: {
          resolve: (value) => {
            clearTimeout(timer)
            resolve(value as HostCalls[N]['reply'])
          },
          reject: (error) => {
            clearTimeout(timer)
            reject(error)
          },
        },
      }
      this.#pending.set(id, pending)
      this.#post({ kind: 'call', id, call: { name, flow, request } as Extract<ToHost, { kind: 'call' }>['call'] })
    })
  }

  /** The secret of a credential, asked once until main says that it changed. A missing one is asked again. */
  secret(flow: FlowId, credential: CredentialName): Promise<Secret | null> {
    const known = this.#secrets.get(credential)
    if (known !== undefined) return known
    const asked = this.call('secret', flow, { credential })
    this.#secrets.set(credential, asked)
    const forget = () => {
      if (this.#secrets.get(credential) === asked) this.#secrets.delete(credential)
    }
    asked.then((secret) => {
      if (secret === null) forget()
    }, forget)
    return asked
  }

  /** Ends a reading of counters: `counted[i]` tells whether the action counts for counter i. */
  settle({ ticket, counts }: RateReading, counted: readonly boolean[]): void {
    this.#post({ kind: 'rated', ticket, counted: counts.map((_, index) => counted[index] === true) })
  }

  /** Tells main that the flow's descriptor has a new owner, and begins to listen for its cancellation. */
  begin(flow: FlowId): AbortSignal {
    const controller = new AbortController()
    this.#flows.set(flow, controller)
    if (this.#isLost) controller.abort(lost('flow'))
    this.#post({ kind: 'started', flow })
    return controller.signal
  }

  end(flow: FlowId): void {
    this.#flows.delete(flow)
  }

  #post(message: ToHost): void {
    if (!this.#isLost) this.#port.postMessage(message)
  }

  #receive(message: Control): void {
    switch (message.kind) {
      case 'reply':
        this.#answer(message.id, message.value)
        break
      case 'failed':
        this.#pending.get(message.id)?.settle?.reject(fromFault(message.fault))
        this.#pending.delete(message.id)
        break
      case 'cancel':
        this.#flows.get(message.flow)?.abort(new ClawError('CP_CANCELLED', message.because))
        break
      case 'profile':
        // a credential may have left the profile, or mean another secret now
        this.#secrets.clear()
        this.onProfile(message.profile)
        break
      case 'forget':
        for (const credential of message.credentials) this.#secrets.delete(credential)
        break
      case 'recorded':
        this.recording.written()
        break
      case 'recorder':
        this.recording.setHealthy(message.healthy)
        break
      case 'ping':
        this.#post({ kind: 'pong', seq: message.seq, externalBytes: process.memoryUsage().external })
        break
      default:
        message satisfies never
    }
  }

  #answer(id: number, value: unknown): void {
    const pending = this.#pending.get(id)
    this.#pending.delete(id)
    if (pending === undefined) return
    if (pending.settle !== null) pending.settle.resolve(value)
    else if (pending.name === 'dial') adopt(value as Fd).destroy()
    else if (pending.name === 'rates') this.settle(value as RateReading, [])
  }

  #lose(): void {
    if (this.#isLost) return
    this.#isLost = true
    this.recording.close()
    this.#secrets.clear()
    for (const { name, settle } of this.#pending.values()) settle?.reject(lost(name))
    this.#pending.clear()
    for (const controller of this.#flows.values()) controller.abort(lost('flow'))
  }
}

function lost(what: string): ClawError {
  return new ClawError('CP_HOST_LOST', `the main thread cannot be reached for ${what}`)
}
