import { loadAddon } from './load.ts'
import { type Addon, event, op } from './protocol.ts'
import { protectSignals } from './signals.ts'

/** What a transport wants to hear of its own events. */
export interface TransportEvents {
  flow(id: number, addresses: string): void
  datagrams(id: number, addresses: string): void
  query(id: number, addresses: string, payload: Buffer): void
}

interface Waiting {
  resolve(reply: { value: number; text: string }): void
  reject(error: Error): void
}

/** The one connection of this process to the Go half: requests out, replies and events in. */
class Binding {
  #addon: Addon
  #last = 0
  #waiting = new Map<number, Waiting>()
  #transports = new Map<number, TransportEvents>()
  #peeks = new Map<number, (bytes: Buffer) => void>()
  #ports = new Map<number, (fd: number, addresses: string) => void>()
  /** Told of faults inside the native part: a panic that was caught, a WireGuard error. */
  onFault: (cause: string) => void = () => {}

  constructor(addon: Addon) {
    this.#addon = addon
    addon.attach((kind, id, a, b, text, data) => this.#receive(kind, id, a, b, text, data))
    protectSignals(addon)
  }

  /** Runs an operation; keeps the process alive until it is answered. */
  request(code: number, id: number, a: number, b: number, text: string): Promise<{ value: number; text: string }> {
    const request = ++this.#last
    this.#addon.keep(true)
    return new Promise((resolve, reject) => {
      this.#waiting.set(request, { resolve, reject })
      this.#addon.call(code, request, id, a, b, text, null)
    })
  }

  /** Runs an operation that is not answered. */
  send(code: number, id: number, a = 0, data: Buffer | null = null): void {
    this.#addon.call(code, 0, id, a, 0, '', data)
  }

  /** Asks something that is answered at once. */
  read(code: number, id: number, text = ''): string {
    return this.#addon.read(code, id, text)
  }

  hideMemory(): void {
    this.#addon.undumpable()
  }

  /** Announcements of this transport go to `events`, and the process stays alive, until `forget`. */
  listen(handle: number, events: TransportEvents): void {
    this.#transports.set(handle, events)
    this.#addon.keep(true)
  }

  forget(handle: number): void {
    if (this.#transports.delete(handle)) this.#addon.keep(false)
  }

  /** Connections to an own port go to `onConnection`, which owns the descriptors, until `forgetPort`. */
  watchPort(port: number, onConnection: (fd: number, addresses: string) => void): void {
    this.#ports.set(port, onConnection)
  }

  forgetPort(port: number): void {
    this.#ports.delete(port)
  }

  watchPeek(flow: number, onBytes: (bytes: Buffer) => void): void {
    this.#peeks.set(flow, onBytes)
  }

  forgetPeek(flow: number): void {
    this.#peeks.delete(flow)
  }

  #receive(kind: number, id: number, a: number, b: number, text: string, data: Buffer | null): void {
    switch (kind) {
      case event.reply:
        this.#settle(id, a === 0, b, text)
        return
      case event.flow:
        this.#announce(
          a,
          (events) => events.flow(id, text),
          () => this.send(op.refuse, id),
        )
        return
      case event.peek:
        if (data !== null) this.#peeks.get(id)?.(data)
        return
      case event.datagrams:
        this.#announce(
          a,
          (events) => events.datagrams(id, text),
          () => this.send(op.dropDatagrams, id),
        )
        return
      case event.query:
        this.#announce(
          a,
          (events) => events.query(id, text, data ?? Buffer.alloc(0)),
          () => {},
        )
        return
      case event.accepted:
        this.#accept(id, a, text)
        return
      case event.fault:
        this.onFault(text)
    }
  }

  #accept(port: number, fd: number, addresses: string): void {
    const onConnection = this.#ports.get(port)
    if (onConnection === undefined) {
      this.send(op.closeFd, 0, fd)
      return
    }
    try {
      onConnection(fd, addresses)
    } catch (cause) {
      this.onFault(cause instanceof Error ? cause.message : String(cause))
    }
  }

  #announce(handle: number, tell: (events: TransportEvents) => void, otherwise: () => void): void {
    const events = this.#transports.get(handle)
    if (events === undefined) {
      otherwise()
      return
    }
    try {
      tell(events)
    } catch (cause) {
      otherwise()
      this.onFault(cause instanceof Error ? cause.message : String(cause))
    }
  }

  #settle(request: number, done: boolean, value: number, text: string): void {
    const waiting = this.#waiting.get(request)
    if (waiting === undefined) return
    this.#waiting.delete(request)
    this.#addon.keep(false)
    if (done) waiting.resolve({ value, text })
    else waiting.reject(new Error(text))
  }
}

let only: Binding | undefined

/** The binding, loaded at its first use. */
export function binding(): Binding {
  only ??= new Binding(loadAddon())
  return only
}
