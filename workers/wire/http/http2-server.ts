import http2, { type OutgoingHttpHeaders, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2'
import type { Duplex } from 'node:stream'
import { ClawError } from '../../contract/errors.ts'
import { Body, type BodySink } from './body.ts'
import type { Exchange, ExchangeHandler, Outgoing } from './exchange.ts'
import { maxHeadBytes, maxHeaders } from './head-lines.ts'
import type { HeaderList } from './header-list.ts'
import { http2Fields, readHttp2Request, readHttp2Trailers } from './http2-headers.ts'
import { destroyOnceClosed, Http2Sink } from './http2-sink.ts'
import type { RequestHead } from './request-head.ts'
import { resetStream } from './reset-stream.ts'

/** Longest a connection without streams stays open, ms. */
const idleMs = 60_000
/** Streams an agent may have open on one connection. */
const maxStreams = 256
/** Bytes of one stream on their way before the agent must wait. */
const streamWindow = 1024 * 1024
/** Bytes of all streams of a connection on their way. */
const connectionWindow = 4 * 1024 * 1024
const endStream = 1
const cancelled = new ClawError('CP_CANCELLED', 'the flow was cancelled')

/**
 * Serves HTTP/2 on a connection, each stream as an exchange. Owns the socket.
 * The promise resolves when the connection is closed.
 * @param signal ends the connection
 */
export function serveHttp2(socket: Duplex, handler: ExchangeHandler, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const session: ServerHttp2Session = http2.performServerHandshake(socket, {
      maxSessionMemory: 32,
      maxHeaderListPairs: maxHeaders + 4,
      settings: {
        enablePush: false,
        maxConcurrentStreams: maxStreams,
        maxHeaderListSize: maxHeadBytes,
        initialWindowSize: streamWindow,
      },
    })
    session.setLocalWindowSize(connectionWindow)
    session.setTimeout(idleMs, () => session.close())
    session.on('stream', (stream: ServerHttp2Stream, _headers: unknown, flags: number, raw: unknown) =>
      open(stream, { isWhole: (flags & endStream) !== 0, raw: raw as string[] }, handler),
    )
    session.on('error', () => undefined)
    socket.on('error', () => undefined)
    session.on('close', () => socket.destroy())
    // half-open sockets are not closed by themselves, and http2 waits for that; no agent closes half of a connection
    socket.on('end', () => session.destroy())
    // tells the agent with GOAWAY that it was cut off, not lost
    const cancel = () => session.destroy(cancelled, http2.constants.NGHTTP2_CANCEL)
    if (signal.aborted) cancel()
    signal.addEventListener('abort', cancel, { once: true })
    socket.on('close', () => {
      signal.removeEventListener('abort', cancel)
      resolve()
    })
  })
}

function open(
  stream: ServerHttp2Stream,
  { isWhole, raw }: { readonly isWhole: boolean; readonly raw: string[] },
  handler: ExchangeHandler,
): void {
  stream.on('error', () => undefined)
  const head = readHttp2Request(raw, isWhole)
  if (head.kind === 'bad') {
    const { response, body } = handler.refuse(head)
    stream.respond(responseFields(response))
    stream.end(body)
    return
  }
  handler.begin(new Http2Exchange(stream, head))
}

class Http2Exchange implements Exchange {
  readonly head: RequestHead
  readonly body: Body
  onGone: ((because: string) => void) | null = null
  isAnswered = false
  readonly #stream: ServerHttp2Stream
  #trailers: HeaderList | null = null
  #sink: Http2Sink | null = null
  #isInvited: boolean

  constructor(stream: ServerHttp2Stream, head: RequestHead) {
    this.#stream = stream
    this.head = head
    this.#isInvited = !head.expectsContinue
    const { framing } = head
    const length = framing.kind === 'length' ? framing.bytes : framing.kind === 'none' ? 0 : null
    this.body = new Body(length, {
      pause: () => void stream.pause(),
      resume: () => void stream.resume(),
    })
    if (framing.kind === 'none') stream.resume()
    else this.#read(this.body)
    stream.on('close', () => this.#closed())
    destroyOnceClosed(stream)
  }

  invite(): void {
    if (this.#isInvited || this.isAnswered) return
    this.#isInvited = true
    this.#stream.additionalHeaders({ ':status': 100 })
  }

  inform(status: number, headers: HeaderList): void {
    if (this.isAnswered || this.#stream.destroyed) return
    if (status === 100) {
      this.invite()
      return
    }
    try {
      this.#stream.additionalHeaders({ ...http2Fields(headers), ':status': status })
    } catch {
      // fields node:http2 will not send: the final answer does not depend on them
    }
  }

  respond(response: Outgoing): BodySink {
    this.isAnswered = true
    const stream = this.#stream
    const mayHaveTrailers = response.length !== 'none' && response.length !== 0 && this.#wantsTrailers(response)
    const isEmpty = response.length === 0 || response.length === 'none'
    this.#sink = new Http2Sink(stream, mayHaveTrailers)
    if (stream.destroyed || stream.closed) return this.#sink
    try {
      stream.respond(responseFields(response), { endStream: isEmpty, waitForTrailers: mayHaveTrailers })
    } catch {
      // fields node:http2 will not send: what an upstream says must not end the thread
      resetStream(stream, http2.constants.NGHTTP2_INTERNAL_ERROR)
      return this.#sink
    }
    if (!this.body.isPiped) this.#dropBody()
    return this.#sink
  }

  upgrade(): null {
    return null
  }

  abort(): void {
    this.isAnswered = true
    resetStream(this.#stream, http2.constants.NGHTTP2_INTERNAL_ERROR)
  }

  #read(body: Body): void {
    const stream = this.#stream
    stream.on('data', (chunk: Buffer) => {
      if (body.length !== null && body.received + chunk.length > body.length)
        return this.#broken('the body is longer than its Content-Length')
      body.push(chunk)
    })
    stream.on('trailers', (headers) => {
      this.#trailers = readHttp2Trailers(headers)
    })
    stream.on('end', () => {
      if (stream.aborted) return
      if (body.length !== null && body.received < body.length)
        return this.#broken('the body is shorter than its Content-Length')
      body.finish(this.#trailers)
    })
    stream.on('aborted', () => this.body.fail(new ClawError('CP_CANCELLED', 'the agent cancelled the request')))
  }

  #broken(because: string): void {
    this.body.fail(new ClawError('CP_PROTOCOL', because))
    resetStream(this.#stream, http2.constants.NGHTTP2_PROTOCOL_ERROR)
  }

  #dropBody(): void {
    const stream = this.#stream
    if (!this.body.isOver)
      // RFC 9113 8.1: the answer is complete without the rest of the request
      stream.once('finish', () => {
        if (!stream.closed) stream.close(http2.constants.NGHTTP2_NO_ERROR)
      })
    this.body.pipe({ write: () => true, end: () => undefined, abort: () => undefined, onDrain: null })
  }

  #wantsTrailers({ headers }: Outgoing): boolean {
    return (
      this.head.headers.get('te') !== undefined ||
      headers.has('trailer') ||
      headers.get('content-type')?.startsWith('application/grpc') === true
    )
  }

  #closed(): void {
    const { onGone } = this
    this.onGone = null
    if (!this.body.isOver) this.body.fail(new ClawError('CP_CANCELLED', 'the agent cancelled the request'))
    this.body.release()
    if (this.#sink === null || !this.#sink.isOver) onGone?.('the agent cancelled the request')
  }
}

function responseFields({ status, headers, length }: Outgoing): OutgoingHttpHeaders {
  const fields = http2Fields(headers, { ':status': status })
  if (typeof length === 'number') fields['content-length'] ??= String(length)
  return fields
}
