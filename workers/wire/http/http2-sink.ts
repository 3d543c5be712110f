import http2, { type Http2Stream, type OutgoingHttpHeaders, type ServerHttp2Stream } from 'node:http2'
import type { ClawError } from '../../contract/errors.ts'
import type { BodySink } from './body.ts'
import type { HeaderList } from './header-list.ts'
import { http2Fields } from './http2-headers.ts'
import { resetStream } from './reset-stream.ts'

/** Writes a message body on an HTTP/2 stream; the last bytes and the end leave in one frame where they come together. */
export class Http2Sink implements BodySink {
  onDrain: (() => void) | null = null
  isOver = false
  readonly #stream: Http2Stream
  /** Whether the stream was opened to wait for trailers after the body. */
  readonly #waitsForTrailers: boolean
  #held: Buffer | null = null

  constructor(stream: Http2Stream, waitsForTrailers: boolean) {
    this.#stream = stream
    this.#waitsForTrailers = waitsForTrailers
    stream.on('drain', () => this.onDrain?.())
  }

  write(chunk: Buffer): boolean {
    if (this.isOver || this.#stream.destroyed) return true
    const held = this.#held
    this.#held = chunk
    if (held === null) process.nextTick(flushHeld, this)
    else this.#stream.write(held)
    return !this.#stream.writableNeedDrain
  }

  end(trailers: HeaderList | null): void {
    if (this.isOver) return
    this.isOver = true
    const held = this.#held
    this.#held = null
    if (this.#stream.destroyed) return
    if (this.#waitsForTrailers) this.#trailersAfter(trailers)
    if (held === null) this.#stream.end()
    else this.#stream.end(held)
  }

  abort(_error: ClawError): void {
    if (this.isOver) return
    this.isOver = true
    this.#held = null
    resetStream(this.#stream, http2.constants.NGHTTP2_INTERNAL_ERROR)
  }

  /** For `flushHeld` only. */
  flush(): void {
    const held = this.#held
    this.#held = null
    if (held !== null && !this.isOver && !this.#stream.destroyed) this.#stream.write(held)
  }

  #trailersAfter(trailers: HeaderList | null): void {
    const stream = this.#stream as ServerHttp2Stream
    const fields: OutgoingHttpHeaders = trailers === null ? {} : http2Fields(trailers)
    // none are sent as an empty DATA frame that ends the stream
    stream.once('wantTrailers', () => stream.sendTrailers(fields))
  }
}

/** Destroys a stream its peer closed without error: Node waits for ever for bytes nobody will read any more. */
export function destroyOnceClosed(stream: Http2Stream): void {
  stream.on('end', () => {
    if (!stream.closed) return
    // a response that came with the close is announced in between
    setImmediate(() => {
      if (!stream.destroyed) stream.destroy()
    })
  })
}

function flushHeld(sink: Http2Sink): void {
  sink.flush()
}
