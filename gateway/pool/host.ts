import { type MessagePort, receiveMessageOnPort } from 'node:worker_threads'
import type { ActionEvent } from '../../workers/contract/action.ts'
import { ClawError, toFault } from '../../workers/contract/errors.ts'
import type { Flow } from '../../workers/contract/flow.ts'
import type { ActionId, Fd, FlowId } from '../../workers/contract/ids.ts'
import type { Control, FlowTask, HostCall, ToHost } from '../../workers/contract/messages.ts'
import { recordCredit } from '../../workers/contract/messages.ts'
import type { Rates } from '../rates.ts'
import { closeIfSame, FdLedger, identify } from './fds.ts'
import type { Grants } from './grants.ts'
import { isToHost } from './message-check.ts'
import { RecordReader } from './record-reader.ts'
import type { HostServices } from './services.ts'

/** What a thread's host needs of its pool. */
export interface ThreadOwner {
  readonly services: HostServices
  /** Shared by all pools. */
  readonly rates: Rates
  /** Newest revision first; the one before it still counts for calls that were under way. */
  grants(): readonly Grants[]
  /** The task of a live flow of this pool, when it runs on this thread. */
  taskOn(thread: ThreadHost, flow: FlowId): FlowTask | null
  started(thread: ThreadHost, flow: FlowId): boolean
  /** The thread did what it must not: the flow (null: unknown which) ends as a fault. */
  violated(thread: ThreadHost, flow: FlowId | null, what: string): void
}

/** Calls a thread may have in the air; a thread of ours never has more. */
const maxCalls = 4096
/** Messages that may be read ahead of their turn: more than a thread of ours can have sent. */
const mostAhead = 16_384
/** How long records may lie in the shared memory, ms: begin and end of an action then mostly come together. */
const fetchMs = 8
/** How long the recorder may keep them then, ms. */
const gatherMs = 2

/** A thread's two ways to main. */
export interface ThreadPorts {
  readonly port: MessagePort
  /** Where it leaves its records. */
  readonly records: SharedArrayBuffer
}

/**
 * Main's side of one thread's port. Serves its calls, each checked against the profile of the thread, and takes its
 * records. What the thread says is not trusted: it may have been taken over by what it decodes.
 */
export class ThreadHost {
  readonly threadId: number
  readonly #port: MessagePort
  readonly #owner: ThreadOwner
  readonly #given = new FdLedger()
  readonly #actions = new Map<ActionId, Flow>()
  readonly #records: RecordReader
  #fetching: NodeJS.Timeout | null = null
  /** Messages that were read ahead of their turn. */
  #ahead: unknown[] = []
  #calls = 0
  #unwritten = 0
  #isTelling = false
  #isGone = false
  /** Sequence numbers of the last ping sent and of the last one answered. */
  lastPing = 0
  lastPong = 0
  externalBytes = 0

  constructor({ port, records }: ThreadPorts, threadId: number, owner: ThreadOwner) {
    this.#port = port
    this.#records = new RecordReader(records)
    this.threadId = threadId
    this.#owner = owner
    port.on('message', (message: unknown) => this.#receive(message))
    // the pool's own port keeps the process alive while flows run
    port.unref()
    this.post({ kind: 'recorder', healthy: owner.services.recorderHealthy() })
  }

  post(message: Control): void {
    if (!this.#isGone) this.#port.postMessage(message)
  }

  ping(seq: number): void {
    this.lastPing = seq
    this.post({ kind: 'ping', seq })
  }

  /** The thread has ended: what it left open is closed, in the record as well. */
  gone(because: string): void {
    if (this.#isGone) return
    this.#fetch()
    // what it sent last is not lost, even if it was not delivered yet
    for (let next = nextOn(this.#port); next !== undefined; next = nextOn(this.#port)) {
      const { message } = next
      if (isToHost(message) && (message.kind === 'record' || message.kind === 'started')) this.#receive(message)
    }
    this.#isGone = true
    this.#port.close()
    this.#given.closeAll()
    this.#owner.rates.release(this)
    const left = [...this.#actions]
    this.#actions.clear()
    for (const [action, flow] of left) this.#write(flow, [ended(action, because)])
  }

  #receive(message: unknown): void {
    if (this.#isGone) return
    if (!isToHost(message)) {
      this.#owner.violated(this, null, 'sent a malformed message')
      return
    }
    if (message.kind === 'left') {
      this.#fetching ??= setTimeout(() => this.#fetch(), fetchMs)
      return
    }
    // it was left before the message was sent; a flow's first comes after the message that tells of its start
    if (message.kind !== 'started') this.#fetch()
    switch (message.kind) {
      case 'started':
        this.#start(message.flow)
        break
      case 'call':
        void this.#serve(message)
        break
      case 'record':
        this.#records.messageRead()
        this.#record(message.events)
        this.#readAhead()
        break
      case 'rated':
        this.#owner.rates.settle(this, message.ticket, message.counted)
        break
      case 'pong':
        this.lastPong = message.seq
        this.externalBytes = message.externalBytes
        break
      default:
        message satisfies never
    }
  }

  async #serve({ id, call }: Extract<ToHost, { kind: 'call' }>): Promise<void> {
    if (this.#calls >= maxCalls)
      return this.#owner.violated(this, call.flow, `made more than ${maxCalls} calls at once`)
    this.#calls += 1
    try {
      const value = await this.#answer(call)
      if (call.name === 'dial') this.#give(value as Fd)
      this.post({ kind: 'reply', id, value })
    } catch (error) {
      this.post({ kind: 'failed', id, fault: toFault(error) })
    } finally {
      this.#calls -= 1
    }
  }

  #answer(call: HostCall): Promise<unknown> {
    const [grants] = this.#owner.grants()
    if (grants === undefined)
      return Promise.reject(new ClawError('CP_CONFIG', 'the profile is no longer in the policy'))
    if (call.name === 'profile') return Promise.resolve(grants.profile)
    if (call.flow === null) return this.#refuse(call, null, `asked for ${call.name} without a flow`)
    const task = this.#owner.taskOn(this, call.flow)
    if (task === null) return Promise.reject(new ClawError('CP_CANCELLED', `the flow that needs ${call.name} is over`))
    const { services } = this.#owner
    switch (call.name) {
      case 'dial': {
        const { endpoint: name, to } = call.request
        const endpoint = grants.dial(task.route, name, to)
        if (endpoint === null)
          return this.#refuse(call, task, `asked to dial ${to.host}:${to.port} for endpoint "${name}"`)
        return services.dial(grants.profile, endpoint, to)
      }
      case 'certificate': {
        const { serverName } = call.request
        if (!grants.certify(task.flow, serverName))
          return this.#refuse(call, task, `asked for a certificate for ${serverName}`)
        return services.certificate(serverName)
      }
      case 'secret': {
        const { credential } = call.request
        if (!grants.use(task.route, credential)) return this.#refuse(call, task, `asked for credential "${credential}"`)
        return services.secret(credential)
      }
      case 'rates': {
        const { counters } = call.request
        // a counter of the revision before does no harm: its rules are judged to the end
        const isNamed = this.#owner.grants().some((each) => each.count(task.route, counters))
        if (!isNamed) return this.#refuse(call, task, 'asked for counters no rule of its endpoints names')
        return this.#owner.rates.read(counters, { device: task.flow.peer.device, profile: task.flow.profile }, this)
      }
      default:
        return call satisfies never
    }
  }

  /** What was granted a revision ago is merely late; anything else is a violation. */
  #refuse(call: HostCall, task: FlowTask | null, what: string): Promise<never> {
    const before = this.#owner.grants().slice(1)
    const wasGranted = task !== null && before.some((grants) => isGranted(grants, task, call))
    if (!wasGranted) this.#owner.violated(this, call.flow, what)
    return Promise.reject(new ClawError('CP_FORBIDDEN', `the profile may not: the worker ${what}`))
  }

  #give(fd: Fd): void {
    // the thread may have ended while main was connecting
    if (this.#isGone) closeIfSame(identify(fd))
    else this.#given.note(fd)
  }

  /** Takes what the thread has left. */
  #fetch(): void {
    if (this.#fetching !== null) clearTimeout(this.#fetching)
    this.#fetching = null
    if (this.#isGone) return
    const events = this.#records.fetch()
    if (events === null) this.#owner.violated(this, null, 'left a malformed record')
    else if (events.length > 0) this.#record(events)
    this.#readAhead()
  }

  #start(flow: FlowId): void {
    if (!this.#owner.started(this, flow)) this.#owner.violated(this, null, 'started an unknown flow')
  }

  /**
   * The task of a flow that left a record. What it leaves may be seen before the message that tells of its start is
   * read, though that was sent before: then what was sent is looked through for it.
   */
  #taskOf(flow: FlowId): FlowTask | null {
    for (;;) {
      const task = this.#owner.taskOn(this, flow)
      if (task !== null || this.#ahead.length >= mostAhead) return task
      const next = nextOn(this.#port)
      if (next === undefined) return null
      const { message } = next
      if (isToHost(message) && message.kind === 'started') this.#start(message.flow)
      else this.#ahead.push(message)
    }
  }

  /** Takes in, in their order, messages that were read while a record was looked at. */
  #readAhead(): void {
    const messages = this.#ahead
    if (messages.length === 0) return
    this.#ahead = []
    for (const message of messages) this.#receive(message)
  }

  #record(events: readonly ActionEvent[]): void {
    this.#unwritten += events.length
    if (this.#unwritten > recordCredit) {
      this.#owner.violated(this, null, 'recorded more than it may')
      return
    }
    let flow: Flow | null = null
    let group: ActionEvent[] = []
    for (const event of events) {
      const its = this.#flowOf(event)
      if (its === null) {
        // what it recorded before stands
        if (flow !== null) this.#write(flow, group)
        const isFull = event.kind === 'opened' && this.#actions.size >= recordCredit
        const what = isFull ? 'left more actions open than it may' : `recorded a ${event.kind} event of another flow`
        this.#owner.violated(this, null, what)
        return
      }
      if (flow !== null && its !== flow) {
        this.#write(flow, group)
        group = []
      }
      flow = its
      group.push(event)
    }
    if (flow !== null) this.#write(flow, group)
  }

  #flowOf(event: ActionEvent): Flow | null {
    if (event.kind === 'opened') {
      const { id, flow: flowId, endpoint } = event.action
      // one of ours has reserved room for the end of each
      if (this.#actions.size >= recordCredit) return null
      const task = this.#taskOf(flowId)
      if (task === null || endpoint === null || !task.route.candidates.includes(endpoint) || this.#actions.has(id))
        return null
      this.#actions.set(id, task.flow)
      return task.flow
    }
    const flow = this.#actions.get(event.action) ?? null
    if (event.kind === 'closed') this.#actions.delete(event.action)
    return flow
  }

  #write(flow: Flow, events: readonly ActionEvent[]): void {
    const done = () => this.#written(events.length)
    // a recorder that gives events up says so by being unhealthy; the room is free either way
    this.#owner.services.record(flow, events, gatherMs).then(done, done)
  }

  #written(events: number): void {
    this.#unwritten -= events
    if (!this.#records.written(events) || this.#isTelling) return
    this.#isTelling = true
    setImmediate(() => {
      this.#isTelling = false
      this.post({ kind: 'recorded' })
    })
  }
}

/** The next message of a port, as nothing where it cannot be put together again: a thread may have a deeper stack. */
function nextOn(port: MessagePort): { readonly message: unknown } | undefined {
  try {
    return receiveMessageOnPort(port)
  } catch {
    return { message: undefined }
  }
}

function isGranted(grants: Grants, task: FlowTask, call: HostCall): boolean {
  switch (call.name) {
    case 'profile':
      return true
    case 'dial':
      return grants.dial(task.route, call.request.endpoint, call.request.to) !== null
    case 'certificate':
      return grants.certify(task.flow, call.request.serverName)
    case 'secret':
      return grants.use(task.route, call.request.credential)
    case 'rates':
      return grants.count(task.route, call.request.counters)
    default:
      return call satisfies never
  }
}

function ended(action: ActionId, error: string): ActionEvent {
  return {
    kind: 'closed',
    action,
    status: 'error',
    error,
    bytesUp: 0,
    bytesDown: 0,
    request: null,
    response: null,
    at: Date.now() as Extract<ActionEvent, { kind: 'closed' }>['at'],
  }
}
