import type { Duplex } from 'node:stream'
import { ClawError } from '../contract/errors.ts'
import type { ActionId } from '../contract/ids.ts'
import type { Permit } from '../contract/verdict.ts'
import { redeem } from '../rules/gate.ts'
import type { Body } from '../wire/http/body.ts'
import type { Http1Connection } from '../wire/http/http1-client.ts'
import { Http2Connection } from '../wire/http/http2-client.ts'
import type { OutgoingRequest, ResponseEvents, UpstreamCall } from '../wire/http/upstream-call.ts'
import type { Origin, Prefers } from './origin.ts'

/** One judged request on its way out. */
export interface Forwarding {
  readonly permit: Permit
  readonly action: ActionId
  readonly origin: Origin
  readonly dial: () => Promise<Duplex>
  readonly prefers: Prefers
  readonly request: OutgoingRequest
  readonly body: Body
}

/** Methods that may be sent again when a kept connection died under them (RFC 9110 section 9.2.2). */
const idempotent = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE'])

/**
 * Sends a request upstream, on a kept connection or a new one: the only way out for what an agent wrote.
 * A request without body is sent once more where a kept connection was closed before any answer.
 */
export function forward(forwarding: Forwarding, events: ResponseEvents): UpstreamCall {
  const sending = new Sending(forwarding, events)
  sending.start()
  return sending
}

class Sending implements UpstreamCall {
  readonly #what: Forwarding
  readonly #events: ResponseEvents
  #call: UpstreamCall | null = null
  #isAborted = false
  #isRedeemed = false

  constructor(what: Forwarding, events: ResponseEvents) {
    this.#what = what
    this.#events = events
  }

  start(): void {
    const { origin, prefers } = this.#what
    // an upgraded connection is used up: HTTP/2 has none to give
    const kept = origin.take(prefers)
    if (kept === null) void this.#connect()
    else this.#send(kept, kept instanceof Http2Connection || kept.uses > 0)
  }

  abort(): void {
    this.#isAborted = true
    this.#call?.abort()
  }

  async #connect(): Promise<void> {
    const { origin, dial, prefers } = this.#what
    try {
      this.#send(await origin.connect(dial, prefers), false)
    } catch (error) {
      this.#fail(asFault(error))
    }
  }

  #send(connection: Http1Connection | Http2Connection, isReused: boolean): void {
    const { permit, action, request, body } = this.#what
    if (this.#isAborted) {
      if (!(connection instanceof Http2Connection)) connection.destroy()
      return
    }
    try {
      if (request.upgrade !== null && connection instanceof Http2Connection)
        throw new ClawError('CP_UPSTREAM', 'the upstream speaks HTTP/2 only, which cannot switch protocols')
      if (!this.#isRedeemed) redeem(permit, action)
      this.#isRedeemed = true
      const { inform, response, upgraded } = this.#events
      this.#call = connection.send(request, body, {
        inform,
        response,
        upgraded,
        failed: (error, { isUntouched, isRefused }) => {
          const isSafe = isRefused || (isReused && isUntouched && idempotent.has(request.method))
          if (!isSafe || !body.isEmpty || this.#isAborted) return this.#fail(error)
          void this.#again()
        },
      })
    } catch (error) {
      if (!(connection instanceof Http2Connection)) connection.destroy()
      this.#fail(asFault(error))
    }
  }

  /** On a connection nobody used before: one more failure is the upstream's. */
  async #again(): Promise<void> {
    const { origin, dial, prefers } = this.#what
    try {
      const fresh = await origin.connect(dial, prefers)
      this.#send(fresh, false)
    } catch (error) {
      this.#fail(asFault(error))
    }
  }

  #fail(error: ClawError): void {
    if (!this.#isAborted) this.#events.failed(error, { isUntouched: true, isRefused: true })
  }
}

function asFault(error: unknown): ClawError {
  if (error instanceof ClawError) return error
  return new ClawError('CP_UPSTREAM', 'the upstream cannot be reached', { cause: error })
}
