import http2, { type ClientHttp2Session, type ClientHttp2Stream, type OutgoingHttpHeaders } from 'node:http2'
import type { Duplex } from 'node:stream'
import { ClawError } from '../../contract/errors.ts'
import { Body } from './body.ts'
import { maxHeadBytes, maxHeaders } from './head-lines.ts'
import { type HeaderList, headerName, HeaderList as List } from './header-list.ts'
import { http2Fields, readHttp2Response, readHttp2Trailers } from './http2-headers.ts'
import { destroyOnceClosed, Http2Sink } from './http2-sink.ts'
import { resetStream } from './reset-stream.ts'
import type { OutgoingRequest, ResponseEvents, UpstreamCall } from './upstream-call.ts'

const streamWindow = 1024 * 1024
const connectionWindow = 8 * 1024 * 1024
const endStream = 1
/** Streams one session takes where the upstream sets no limit of its own. */
const maxStreams = 256

/** An HTTP/2 connection to an upstream; many exchanges at a time. Owns the socket. */
export class Http2Connection {
  readonly #session: ClientHttp2Session
  #active = 0
  #isDraining = false
  #isClosed = false
  /** Called when the last exchange is over, and when the connection can take no more. */
  readonly #changed: (connection: Http2Connection) => void

  constructor(socket: Duplex, changed: (connection: Http2Connection) => void) {
    this.#changed = changed
    this.#session = http2.connect('https://upstream', {
      createConnection: () => socket,
      maxSessionMemory: 64,
      maxHeaderListPairs: maxHeaders + 4,
      settings: { enablePush: false, maxHeaderListSize: maxHeadBytes, initialWindowSize: streamWindow },
    })
    this.#session.setLocalWindowSize(connectionWindow)
    this.#session.on('error', () => this.#drain())
    this.#session.on('goaway', () => this.#drain())
    // half-open sockets are not closed by themselves, and http2 waits for that
    socket.on('end', () => this.#session.destroy(new Error('the upstream closed the connection')))
    this.#session.on('close', () => {
      this.#isClosed = true
      this.#drain()
    })
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  /** Whether it takes no more exchanges and closes with the last one. */
  get isDraining(): boolean {
    return this.#isDraining
  }

  get isIdle(): boolean {
    return this.#active === 0
  }

  /** Whether another exchange can begin now. */
  get hasRoom(): boolean {
    const limit = Math.min(this.#session.remoteSettings?.maxConcurrentStreams ?? maxStreams, maxStreams)
    return !this.#isDraining && this.#active < limit
  }

  send(request: OutgoingRequest, body: Body, events: ResponseEvents): UpstreamCall {
    const stream = this.#session.request(requestFields(request, body), {
      endStream: body.isEmpty,
      waitForTrailers: !body.isEmpty && body.length === null,
    })
    this.#active += 1
    const call = new Http2Call(stream, request.method, events)
    stream.on('close', () => {
      this.#active -= 1
      if (this.#active === 0) this.#changed(this)
    })
    if (!body.isEmpty) body.pipe(new RequestSink(stream, body.length === null, call))
    return call
  }

  destroy(): void {
    this.#session.destroy()
  }

  #drain(): void {
    if (this.#isDraining) return
    this.#isDraining = true
    if (!this.#session.closed) this.#session.close()
    this.#changed(this)
  }
}

/** A request body; where it breaks off, the exchange fails for that reason. */
class RequestSink extends Http2Sink {
  readonly #call: Http2Call

  constructor(stream: ClientHttp2Stream, waitsForTrailers: boolean, call: Http2Call) {
    super(stream, waitsForTrailers)
    this.#call = call
  }

  override abort(error: ClawError): void {
    this.#call.bodyFailed(error)
    super.abort(error)
  }
}

class Http2Call implements UpstreamCall {
  readonly #stream: ClientHttp2Stream
  readonly #method: string
  readonly #events: ResponseEvents
  #body: Body | null = null
  #trailers: HeaderList | null = null
  #hasReplied = false
  #isOver = false

  constructor(stream: ClientHttp2Stream, method: string, events: ResponseEvents) {
    this.#stream = stream
    this.#method = method
    this.#events = events
    stream.on('headers', (headers) => this.#inform(Number(headers[':status']), headers))
    stream.on('response', (_headers: unknown, flags: number, raw: unknown) =>
      this.#respond(raw as string[], (flags & endStream) !== 0),
    )
    stream.on('error', () => undefined)
    stream.on('close', () => this.#closed())
    destroyOnceClosed(stream)
  }

  abort(): void {
    if (this.#isOver) return
    this.#isOver = true
    resetStream(this.#stream, http2.constants.NGHTTP2_CANCEL)
  }

  bodyFailed(error: ClawError): void {
    this.#fail(error)
  }

  #inform(status: number, headers: http2.IncomingHttpHeaders): void {
    this.#hasReplied = true
    if (this.#isOver || this.#body !== null) return
    const list = new List()
    for (const [key, value] of Object.entries(headers)) {
      const name = headerName(key)
      for (const each of Array.isArray(value) ? value : [value ?? '']) if (name !== null) list.add(name, String(each))
    }
    this.#events.inform(status, list)
  }

  #respond(raw: readonly string[], isWhole: boolean): void {
    this.#hasReplied = true
    if (this.#isOver) return
    const stream = this.#stream
    const head = readHttp2Response(raw, { isWhole, method: this.#method })
    if (head.kind === 'bad') {
      this.#fail(new ClawError('CP_UPSTREAM', `the upstream does not speak HTTP/2: ${head.because}`))
      resetStream(stream, http2.constants.NGHTTP2_PROTOCOL_ERROR)
      return
    }
    const { framing } = head
    const length = framing.kind === 'length' ? framing.bytes : framing.kind === 'none' ? 0 : null
    const body = new Body(length, { pause: () => void stream.pause(), resume: () => void stream.resume() })
    this.#body = body
    if (length === 0) {
      this.#isOver = true
      stream.resume()
    } else {
      stream.on('trailers', (headers) => {
        this.#trailers = readHttp2Trailers(headers)
      })
      stream.on('data', (chunk: Buffer) => body.push(chunk))
      stream.on('end', () => {
        if (stream.aborted || stream.rstCode !== 0) return
        this.#isOver = true
        body.finish(this.#trailers)
      })
    }
    this.#events.response(head, body)
  }

  #closed(): void {
    if (this.#isOver) return
    const { rstCode } = this.#stream
    // RFC 9113 8.7: a refused stream was not processed at all
    const isRefused = rstCode === http2.constants.NGHTTP2_REFUSED_STREAM
    const why = rstCode === 0 ? 'the upstream closed the connection' : `the upstream broke the stream off (${rstCode})`
    this.#fail(new ClawError('CP_UPSTREAM', why), isRefused)
  }

  #fail(error: ClawError, isRefused = false): void {
    if (this.#isOver) return
    this.#isOver = true
    if (this.#body === null) this.#events.failed(error, { isUntouched: !this.#hasReplied, isRefused })
    else this.#body.fail(error)
  }
}

function requestFields(request: OutgoingRequest, body: Body): OutgoingHttpHeaders {
  const fields = http2Fields(request.headers, {
    ':method': request.method,
    ':scheme': 'https',
    ':authority': request.authority,
    ':path': request.target,
  })
  if (typeof body.length === 'number' && body.length > 0) fields['content-length'] ??= String(body.length)
  return fields
}
