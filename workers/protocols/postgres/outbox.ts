import type { Writable } from 'node:stream'

/** Pieces together at most this long are written as one, bytes. */
const mostCopied = 16384

/** Collects what goes to a server, so that messages sent together arrive together. */
export class Outbox {
  readonly #socket: Writable
  #pieces: Buffer[] = []
  #bytes = 0
  /** Whether something in it has to reach the server before it answers. */
  isDue = false

  constructor(socket: Writable) {
    this.#socket = socket
  }

  add(bytes: Buffer): void {
    this.#pieces.push(bytes)
    this.#bytes += bytes.length
    if (this.#bytes > mostCopied) this.flush()
  }

  flush(): void {
    const pieces = this.#pieces
    this.isDue = false
    if (pieces.length === 0) return
    this.#pieces = []
    const isSmall = this.#bytes <= mostCopied
    this.#bytes = 0
    if (this.#socket.destroyed || this.#socket.writableEnded) return
    if (pieces.length === 1) this.#socket.write(pieces[0] as Buffer)
    else if (isSmall) this.#socket.write(Buffer.concat(pieces))
    else {
      this.#socket.cork()
      for (const piece of pieces) this.#socket.write(piece)
      this.#socket.uncork()
    }
  }
}
