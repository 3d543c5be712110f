import type { Transform } from 'node:stream'
import zlib from 'node:zlib'
import { ClawError } from '../../contract/errors.ts'
import type { BodySink } from './body.ts'
import type { HeaderList } from './header-list.ts'

/** Takes a content coding off a body as it comes, so that what it says can be searched. */
export class DecodingSink implements BodySink {
  onDrain: (() => void) | null = null
  readonly #to: BodySink
  readonly #decoder: Transform
  #trailers: HeaderList | null = null
  #isOver = false

  constructor(to: BodySink, decoder: Transform) {
    this.#to = to
    this.#decoder = decoder
    decoder.on('data', (chunk: Buffer) => {
      if (!to.write(chunk)) decoder.pause()
    })
    decoder.on('drain', () => this.onDrain?.())
    decoder.on('end', () => this.#finish(() => to.end(this.#trailers)))
    decoder.on('error', () => this.abort(new ClawError('CP_UPSTREAM', 'the response is not in its content coding')))
    to.onDrain = () => decoder.resume()
  }

  write(chunk: Buffer): boolean {
    return this.#isOver || this.#decoder.write(chunk)
  }

  end(trailers: HeaderList | null): void {
    this.#trailers = trailers
    this.#decoder.end()
  }

  abort(error: ClawError): void {
    this.#finish(() => {
      this.#decoder.destroy()
      this.#to.abort(error)
    })
  }

  #finish(settle: () => void): void {
    if (this.#isOver) return
    this.#isOver = true
    settle()
  }
}

/** Makes the decoder of a response's one content coding; null: it has none, or none that is read here. */
export function decoderFor(status: number, headers: HeaderList): Transform | null {
  // a range of an encoded body cannot be decoded by itself
  if (status === 206) return null
  switch (headers.get('content-encoding')?.toLowerCase()) {
    case 'gzip':
    case 'x-gzip':
      return zlib.createGunzip()
    case 'br':
      return zlib.createBrotliDecompress()
    case 'deflate':
      return zlib.createInflate()
    default:
      return null
  }
}

/** The fields of a response whose coding was taken off. */
export function decodedFields(headers: HeaderList): HeaderList {
  const fields = headers.filter(
    ({ lower }) => !['content-encoding', 'content-length', 'content-md5', 'content-digest'].includes(lower),
  )
  const etag = fields.get('etag')
  // RFC 9110 8.8.1: no longer the same bytes
  if (etag?.startsWith('"') === true) fields.set('ETag', `W/${etag}`)
  return fields
}
