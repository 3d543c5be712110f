import type { Duplex } from 'node:stream'
import { ClawError } from '../../contract/errors.ts'
import { Body, type BodySink } from './body.ts'
import { ChunkedDecoder } from './chunked.ts'
import type { Exchange, Outgoing } from './exchange.ts'
import type { BadMessage } from './head-lines.ts'
import type { HeaderList } from './header-list.ts'
import { headerLines, MessageWriter } from './message-writer.ts'
import type { RequestHead } from './request-head.ts'

/** Bytes of a body nobody wants that are read to keep the connection. */
const maxDrained = 64 * 1024
const continueLine = 'HTTP/1.1 100 Continue\r\n\r\n'

/** The connection an exchange is on. */
export interface Carrier {
  readonly socket: Duplex
  /** Response and request are both over; called once. */
  finished(): void
  /** Lets go of the socket; what it had read and not used. */
  detach(): Buffer
}

/** An exchange on an HTTP/1.x connection of an agent. */
export class Http1Exchange implements Exchange {
  readonly head: RequestHead
  readonly body: Body
  onGone: ((because: string) => void) | null = null
  isAnswered = false
  /** Whether a handler may know of it. */
  isBegun = false
  keepsConnection: boolean
  readonly #carrier: Carrier
  readonly #socket: Duplex
  readonly #chunked: ChunkedDecoder | null
  #left: number
  #writer: MessageWriter | null = null
  #isInvited: boolean
  #isOver = false

  constructor(carrier: Carrier, head: RequestHead) {
    this.#carrier = carrier
    this.#socket = carrier.socket
    this.head = head
    this.keepsConnection = head.isPersistent
    this.#isInvited = !head.expectsContinue
    const { framing } = head
    this.#chunked = framing.kind === 'chunked' ? new ChunkedDecoder() : null
    this.#left = framing.kind === 'length' ? framing.bytes : 0
    this.body = new Body(
      framing.kind === 'length' ? framing.bytes : framing.kind === 'chunked' ? null : 0,
      carrier.socket,
    )
  }

  /** Reads body bytes; `rest` belongs to the next request. */
  feed(chunk: Buffer): { readonly kind: 'fed'; readonly rest: Buffer | null } | BadMessage {
    if (this.body.isOver) return { kind: 'fed', rest: chunk }
    if (this.#chunked !== null) {
      const progress = this.#chunked.feed(chunk, { data: (bytes) => this.body.push(bytes) })
      if (progress.kind === 'bad') return progress
      if (progress.kind === 'more') return { kind: 'fed', rest: null }
      this.body.finish(progress.trailers)
      this.#settle()
      return { kind: 'fed', rest: progress.used < chunk.length ? chunk.subarray(progress.used) : null }
    }
    const used = Math.min(this.#left, chunk.length)
    this.#left -= used
    this.body.push(used === chunk.length ? chunk : chunk.subarray(0, used))
    if (this.#left === 0) {
      this.body.finish(null)
      this.#settle()
    }
    return { kind: 'fed', rest: used < chunk.length ? chunk.subarray(used) : null }
  }

  invite(): void {
    if (this.#isInvited || this.isAnswered) return
    this.#isInvited = true
    this.#socket.write(continueLine, 'latin1')
  }

  inform(status: number, headers: HeaderList): void {
    // RFC 9110 15.2: not to an HTTP/1.0 client
    if (this.isAnswered || this.head.version === '1.0') return
    if (status === 100) {
      this.invite()
      return
    }
    this.#socket.write(`HTTP/1.1 ${status} \r\n${headerLines(headers)}\r\n`, 'latin1')
  }

  respond(response: Outgoing): BodySink {
    this.isAnswered = true
    if (!this.body.isPiped) this.#dropBody()
    const isHttp10 = this.head.version === '1.0'
    // an HTTP/1.0 client finds the end of an unannounced body by the close
    if (response.length === null && isHttp10) this.keepsConnection = false
    const { keepsConnection } = this
    const text = responseText(response, response.length, { isHttp10, keepsConnection })
    const length = response.length === 'none' ? 0 : (response.length ?? (isHttp10 ? null : ('chunked' as const)))
    this.#writer = new MessageWriter(this.#socket, text, length, (error) => {
      this.#isOver = true
      if (error !== null) this.keepsConnection = false
      this.#settle()
    })
    return this.#writer
  }

  upgrade(response: Outgoing): { readonly socket: Duplex; readonly early: Buffer } {
    this.isAnswered = true
    this.#isOver = true
    this.#socket.write(`HTTP/1.1 101 ${response.reason}\r\n${headerLines(response.headers)}\r\n`, 'latin1')
    return { socket: this.#socket, early: this.#carrier.detach() }
  }

  abort(): void {
    this.keepsConnection = false
    this.#isOver = true
    this.#socket.destroy()
  }

  drained(): void {
    this.#writer?.onDrain?.()
  }

  /** The connection is gone: what is on its way for it is not wanted. */
  gone(because: string): void {
    if (!this.body.isOver) this.body.fail(new ClawError('CP_CANCELLED', because))
    this.body.release()
    const { onGone } = this
    this.onGone = null
    if (!this.#isOver) onGone?.(because)
  }

  breakBody(error: ClawError): void {
    this.keepsConnection = false
    this.body.fail(error)
    this.#settle()
  }

  #dropBody(): void {
    const { body } = this
    if (!body.isOver) {
      const left = body.length === null ? Number.POSITIVE_INFINITY : body.length - body.received
      // an agent that was not invited may or may not send it: the two cannot be told apart
      if (!this.#isInvited || left > maxDrained) this.keepsConnection = false
    }
    body.pipe({ write: () => true, end: () => undefined, abort: () => undefined, onDrain: null })
  }

  #settle(): void {
    if (!this.#isOver) return
    if (this.body.isOver || !this.keepsConnection) {
      this.#carrier.finished()
      return
    }
    // answered before the whole request came: only a short rest is worth waiting for
    const left = this.body.length === null ? Number.POSITIVE_INFINITY : this.body.length - this.body.received
    if (left <= maxDrained) return
    this.keepsConnection = false
    this.#carrier.finished()
  }
}

/** Head of a response as HTTP/1.1 text; the length is announced unless its headers do it. */
export function responseText(
  response: Outgoing,
  length: Outgoing['length'],
  { isHttp10, keepsConnection }: { readonly isHttp10: boolean; readonly keepsConnection: boolean },
): string {
  let text = `HTTP/1.1 ${response.status} ${response.reason}\r\n${headerLines(response.headers)}`
  if (length === null) text += isHttp10 ? '' : 'Transfer-Encoding: chunked\r\n'
  else if (length !== 'none' && !response.headers.has('content-length')) text += `Content-Length: ${length}\r\n`
  if (!keepsConnection) text += 'Connection: close\r\n'
  else if (isHttp10) text += 'Connection: keep-alive\r\n'
  return `${text}\r\n`
}
