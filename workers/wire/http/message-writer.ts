import type { Duplex } from 'node:stream'
import { ClawError } from '../../contract/errors.ts'
import type { BodySink } from './body.ts'
import { chunkHead } from './chunked.ts'
import type { HeaderList } from './header-list.ts'

/** Pieces together below this are copied into one buffer; larger ones are written vectored. */
const joinBelow = 32 * 1024
/** More than this is not held back until the end of the turn, bytes: a few reads of the other side. */
const flushAbove = 256 * 1024

/**
 * Writes one HTTP/1.1 message. Head, body bytes and end that come in one turn of the event loop leave in one write,
 * because every write is a TLS record and a packet of its own.
 */
export class MessageWriter implements BodySink {
  onDrain: (() => void) | null = null
  readonly #socket: Duplex
  readonly #isChunked: boolean
  /** Bytes still to come of an announced length; null: not announced. */
  #left: number | null
  readonly #done: (error: ClawError | null) => void
  #pieces: (Buffer | string)[]
  #bytes: number
  #isScheduled = false
  #isOver = false

  /**
   * @param head latin1 text up to and with the empty line
   * @param length bytes of the body; `chunked`: encoded so; null: until the connection closes
   * @param done called once: with null when the message is written, or with why it broke off
   */
  constructor(
    socket: Duplex,
    head: string,
    length: number | 'chunked' | null,
    done: (error: ClawError | null) => void,
  ) {
    this.#socket = socket
    this.#isChunked = length === 'chunked'
    this.#left = typeof length === 'number' ? length : null
    this.#done = done
    this.#pieces = [head]
    this.#bytes = head.length
    this.#schedule()
  }

  write(chunk: Buffer): boolean {
    if (this.#isOver) return true
    if (this.#left !== null) {
      if (chunk.length > this.#left) {
        this.abort(new ClawError('CP_PROTOCOL', 'the body is longer than its Content-Length'))
        return true
      }
      this.#left -= chunk.length
    }
    if (this.#isChunked) this.#pieces.push(chunkHead(chunk.length), chunk, '\r\n')
    else this.#pieces.push(chunk)
    this.#bytes += chunk.length + (this.#isChunked ? 12 : 0)
    if (this.#bytes > flushAbove) return this.#flush()
    this.#schedule()
    return !this.#socket.writableNeedDrain
  }

  end(trailers: HeaderList | null): void {
    if (this.#isOver) return
    if (this.#left !== null && this.#left > 0) {
      this.abort(new ClawError('CP_PROTOCOL', 'the body is shorter than its Content-Length'))
      return
    }
    if (this.#isChunked) this.#pieces.push(trailers === null ? '0\r\n\r\n' : `0\r\n${headerLines(trailers)}\r\n`)
    this.#isOver = true
    this.#flush()
    this.#done(null)
  }

  abort(error: ClawError): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#pieces = []
    // the only way to tell the reader that the message is not whole
    this.#socket.destroy()
    this.#done(error)
  }

  #schedule(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    process.nextTick(flushLater, this)
  }

  /** For `flushLater` only. */
  flushScheduled(): void {
    this.#isScheduled = false
    if (this.#pieces.length > 0) this.#flush()
  }

  #flush(): boolean {
    const pieces = this.#pieces
    const [only] = pieces
    const bytes = this.#bytes
    this.#pieces = []
    this.#bytes = 0
    if (only === undefined || this.#socket.destroyed) return true
    if (pieces.length === 1)
      return typeof only === 'string' ? this.#socket.write(only, 'latin1') : this.#socket.write(only)
    if (bytes <= joinBelow) return this.#socket.write(join(pieces))
    this.#socket.cork()
    for (const piece of pieces) {
      if (typeof piece === 'string') this.#socket.write(piece, 'latin1')
      else this.#socket.write(piece)
    }
    this.#socket.uncork()
    return !this.#socket.writableNeedDrain
  }
}

function flushLater(writer: MessageWriter): void {
  writer.flushScheduled()
}

function join(pieces: readonly (Buffer | string)[]): Buffer {
  let length = 0
  for (const piece of pieces) length += piece.length
  const joined = Buffer.allocUnsafe(length)
  let at = 0
  for (const piece of pieces) {
    if (typeof piece === 'string') at += joined.write(piece, at, 'latin1')
    else at += piece.copy(joined, at)
  }
  return joined
}

/** Header fields as HTTP/1.1 lines. */
export function headerLines({ names, values }: HeaderList): string {
  let lines = ''
  for (let at = 0; at < names.length; at += 1) lines += `${names[at]?.raw}: ${values[at]}\r\n`
  return lines
}
