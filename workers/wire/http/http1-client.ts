import type { Duplex } from 'node:stream'
import { ClawError } from '../../contract/errors.ts'
import { Body } from './body.ts'
import { ChunkedDecoder } from './chunked.ts'
import { findHeadEnd, maxHeadBytes } from './head-lines.ts'
import { headerLines, MessageWriter } from './message-writer.ts'
import { parseResponseHead, type ResponseHead } from './response-head.ts'
import type { OutgoingRequest, ResponseEvents, UpstreamCall } from './upstream-call.ts'

/** Informational responses before the final one; more are a loop. */
const maxInformational = 32

/** What the connection's owner wants to know of it. */
export interface Http1ConnectionEvents {
  /** The exchange is over and another may begin. */
  idle(connection: Http1Connection): void
  closed(connection: Http1Connection): void
}

/** An HTTP/1.1 connection to an upstream: one exchange at a time. Owns the socket. */
export class Http1Connection {
  readonly socket: Duplex
  /** Exchanges that were begun. */
  uses = 0
  readonly #events: Http1ConnectionEvents
  #call: Http1Call | null = null
  #isClosed = false

  constructor(socket: Duplex, events: Http1ConnectionEvents) {
    this.socket = socket
    this.#events = events
    socket.on('data', this.#onData)
    socket.on('drain', this.#onDrain)
    socket.on('end', this.#onEnd)
    socket.on('error', (error: Error) => this.#lost(error))
    socket.on('close', () => this.#lost(null))
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  /** Sends a request; the connection must be idle. */
  send(request: OutgoingRequest, body: Body, events: ResponseEvents): UpstreamCall {
    if (this.#call !== null || this.#isClosed) throw new ClawError('CP_INTERNAL', 'a busy connection was used')
    this.uses += 1
    const call: Http1Call = new Http1Call(this.socket, request, events, (canGoOn) => {
      if (this.#call !== call) return
      this.#call = null
      if (!canGoOn) return this.destroy()
      this.#events.idle(this)
    })
    this.#call = call
    call.start(body)
    return call
  }

  destroy(): void {
    this.socket.destroy()
    this.#lost(null)
  }

  readonly #onData = (chunk: Buffer): void => {
    // nothing was asked: whatever it says would be taken for the answer of the next request
    if (this.#call === null) {
      this.destroy()
      return
    }
    const upgraded = this.#call.receive(chunk)
    if (upgraded === null) return
    for (const [event, listener] of [
      ['data', this.#onData],
      ['drain', this.#onDrain],
      ['end', this.#onEnd],
    ] as const)
      this.socket.off(event, listener as () => void)
    this.#call = null
    this.#close()
    upgraded(this.socket)
  }

  readonly #onDrain = (): void => this.#call?.drained()

  readonly #onEnd = (): void => {
    const call = this.#call
    if (call === null) {
      this.destroy()
      return
    }
    call.ended()
  }

  #lost(error: Error | null): void {
    const call = this.#call
    this.#call = null
    this.#close()
    call?.lost(error)
  }

  #close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#events.closed(this)
  }
}

/** One exchange on an upstream connection. */
class Http1Call implements UpstreamCall {
  readonly #socket: Duplex
  readonly #request: OutgoingRequest
  readonly #events: ResponseEvents
  readonly #over: (canGoOn: boolean) => void
  #writer: MessageWriter | null = null
  #isSent = false
  #held: Buffer | null = null
  #informational = 0
  #response: ResponseHead | null = null
  #body: Body | null = null
  #chunked: ChunkedDecoder | null = null
  #left = 0
  #isOver = false

  constructor(socket: Duplex, request: OutgoingRequest, events: ResponseEvents, over: (canGoOn: boolean) => void) {
    this.#socket = socket
    this.#request = request
    this.#events = events
    this.#over = over
  }

  start(body: Body): void {
    const { request, length } = { request: this.#request, length: body.length }
    let head = `${request.method} ${request.target} HTTP/1.1\r\nHost: ${request.authority}\r\n${headerLines(request.headers)}`
    if (length === null) head += 'Transfer-Encoding: chunked\r\n'
    else if (length > 0 && !request.headers.has('content-length')) head += `Content-Length: ${length}\r\n`
    if (request.keeps === 'never') head += 'Connection: close\r\n'
    head += '\r\n'
    if (length === 0) {
      this.#isSent = true
      this.#socket.write(head, 'latin1')
      return
    }
    this.#writer = new MessageWriter(this.#socket, head, length ?? 'chunked', (error) => {
      if (error === null) this.#isSent = true
      else this.#fail(error)
      this.#settle()
    })
    body.pipe(this.#writer)
  }

  abort(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#over(false)
  }

  drained(): void {
    this.#writer?.onDrain?.()
  }

  /** Reads response bytes; a function: the connection was upgraded, call it once the listeners are off. */
  receive(chunk: Buffer): ((socket: Duplex) => void) | null {
    if (this.#body !== null) {
      this.#readBody(chunk)
      return null
    }
    let bytes = this.#held === null ? chunk : Buffer.concat([this.#held, chunk])
    for (;;) {
      const end = findHeadEnd(bytes, Math.max(0, (this.#held?.length ?? 0) - 3))
      if (end < 0) {
        if (bytes.length > maxHeadBytes) this.#bad('its head is longer than 64 KiB')
        this.#held = bytes
        return null
      }
      this.#held = null
      const head = parseResponseHead(bytes.subarray(0, end), this.#request.method)
      const rest = bytes.subarray(end)
      if (head.kind === 'bad') {
        this.#bad(head.because)
        return null
      }
      if (head.status === 101) return this.#upgraded(head, rest)
      if (head.status >= 200) {
        this.#begin(head, rest)
        return null
      }
      this.#informational += 1
      if (this.#informational > maxInformational) {
        this.#bad('it sends informational responses without end')
        return null
      }
      this.#events.inform(head.status, head.headers)
      if (rest.length === 0 || this.#isOver) return null
      bytes = rest
    }
  }

  /** The upstream has closed its side. */
  ended(): void {
    const framing = this.#response?.framing
    if (framing?.kind !== 'until_close') {
      this.lost(null)
      return
    }
    this.#body?.finish(null)
    this.#isOver = true
    this.#over(false)
  }

  lost(error: Error | null): void {
    const why =
      error === null ? 'the upstream closed the connection' : `the connection to the upstream broke: ${codeOf(error)}`
    this.#fail(new ClawError('CP_UPSTREAM', why))
  }

  #begin(head: ResponseHead, rest: Buffer): void {
    const { framing } = head
    this.#response = head
    this.#chunked = framing.kind === 'chunked' ? new ChunkedDecoder() : null
    this.#left = framing.kind === 'length' ? framing.bytes : 0
    const length = framing.kind === 'length' ? framing.bytes : framing.kind === 'none' ? 0 : null
    const body = new Body(length, this.#socket)
    this.#body = body
    this.#events.response(head, body)
    if (length === 0) {
      if (rest.length > 0) this.#bad('it sends bytes after the response')
      else this.#settle()
      return
    }
    if (rest.length > 0) this.#readBody(rest)
  }

  #readBody(chunk: Buffer): void {
    const body = this.#body
    if (body === null || this.#isOver) return
    let extra = 0
    if (this.#chunked !== null) {
      const progress = this.#chunked.feed(chunk, { data: (bytes) => body.push(bytes) })
      if (progress.kind === 'bad') {
        this.#bad(progress.because)
        return
      }
      if (progress.kind === 'more') return
      extra = chunk.length - progress.used
      body.finish(progress.trailers)
    } else if (body.length === null) {
      body.push(chunk)
      return
    } else {
      const used = Math.min(this.#left, chunk.length)
      this.#left -= used
      extra = chunk.length - used
      body.push(extra === 0 ? chunk : chunk.subarray(0, used))
      if (this.#left > 0) return
      body.finish(null)
    }
    if (extra > 0) {
      // the response was whole; the connection is not to be trusted with another
      this.#isOver = true
      this.#over(false)
      return
    }
    this.#settle()
  }

  #upgraded(head: ResponseHead, early: Buffer): ((socket: Duplex) => void) | null {
    const { upgraded } = this.#events
    if (this.#request.upgrade === null || upgraded === null) {
      this.#bad('it switched protocols without being asked')
      return null
    }
    this.#isOver = true
    return (socket) => upgraded(head, socket, early)
  }

  /** Frees the connection once request and response are both over. */
  #settle(): void {
    if (this.#isOver || this.#body === null || !this.#body.isOver) return
    this.#isOver = true
    // answered before it had the whole request: it may still be reading
    this.#over(this.#isSent && this.#response?.isPersistent === true && this.#mayGoOn(this.#response))
  }

  #mayGoOn({ status }: ResponseHead): boolean {
    const { keeps } = this.#request
    return keeps === undefined || (keeps === 'after-success' && status < 400)
  }

  #bad(because: string): void {
    this.#fail(new ClawError('CP_UPSTREAM', `the upstream does not speak HTTP/1.1: ${because}`))
  }

  #fail(error: ClawError): void {
    if (this.#isOver) return
    this.#isOver = true
    const { hasReplied } = this
    if (this.#body === null) this.#events.failed(error, { isUntouched: !hasReplied, isRefused: false })
    else this.#body.fail(error)
    this.#over(false)
  }

  /** Whether any byte of an answer came. */
  get hasReplied(): boolean {
    return this.#held !== null || this.#informational > 0 || this.#response !== null
  }
}

function codeOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : 'it was lost'
}
