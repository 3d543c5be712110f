import type { Duplex } from 'node:stream'
import { ClawError } from '../../contract/errors.ts'
import { closeGently } from '../linger.ts'
import type { ExchangeHandler } from './exchange.ts'
import { type BadMessage, bad, findHeadEnd, maxHeadBytes } from './head-lines.ts'
import { Http1Exchange, responseText } from './http1-exchange.ts'
import { parseRequestHead, type RequestHead } from './request-head.ts'

/** Longest wait for a request head on an open connection, ms; ends idle connections too. */
const headMs = 60_000
/** An agent that closed its side may be waiting for the answer of a request in flight for so long, ms. */
const halfClosedMs = 1000
/** Bytes of following requests kept while one is served. */
const pipelinedBytes = 64 * 1024
const bareEnd = Buffer.from('\n\n')

/**
 * Serves HTTP/1.1 on a connection: one exchange at a time, in order. Owns the socket.
 * The promise resolves when the connection is closed.
 */
export function serveHttp1(socket: Duplex, handler: ExchangeHandler): Promise<void> {
  return new Promise((resolve) => {
    socket.on('close', resolve)
    new Http1Server(socket, handler)
  })
}

class Http1Server {
  readonly #socket: Duplex
  readonly #handler: ExchangeHandler
  readonly #idle: NodeJS.Timeout
  /** Received and not used yet: part of a head, or requests that came early. */
  #held: Buffer | null = null
  #searched = 0
  #exchange: Http1Exchange | null = null
  #isHeld = false
  #isClosing = false

  readonly #listeners: readonly (readonly [string, (chunk: Buffer) => void])[]

  constructor(socket: Duplex, handler: ExchangeHandler) {
    this.#socket = socket
    this.#handler = handler
    this.#idle = setTimeout(() => this.#expire(), headMs)
    this.#listeners = [
      ['data', (chunk) => this.#receive(chunk)],
      ['drain', () => this.#exchange?.drained()],
      ['end', () => this.#ended()],
    ]
    for (const [event, listener] of this.#listeners) socket.on(event, listener)
    socket.on('error', () => undefined)
    socket.on('close', () => {
      clearTimeout(this.#idle)
      this.#exchange?.gone('the agent closed the connection')
    })
  }

  #receive(chunk: Buffer): void {
    if (this.#isClosing) return
    if (this.#exchange === null) this.#readHead(chunk)
    else this.#readBody(this.#exchange, chunk)
  }

  #readHead(chunk: Buffer): void {
    let bytes = this.#held === null ? chunk : Buffer.concat([this.#held, chunk])
    // RFC 9112 2.2: an empty line before a request is skipped
    if (this.#searched <= 1 && bytes[0] === 13 && bytes[1] === 10) {
      bytes = bytes.subarray(2)
      this.#searched = 0
    }
    this.#held = null
    if (bytes.length === 0) return
    const end = findHeadEnd(bytes, Math.max(0, this.#searched - 3))
    if (end < 0) {
      if (bytes.length > maxHeadBytes) {
        this.#refuse(bad(431, `head of more than ${maxHeadBytes} bytes`))
        return
      }
      if (bytes.includes(bareEnd, Math.max(0, this.#searched - 1))) {
        this.#refuse(bad(400, 'a line that does not end in CR LF'))
        return
      }
      this.#searched = bytes.length
      // a copy: a view would keep the whole read
      this.#held = bytes.length <= chunk.length ? Buffer.from(bytes) : bytes
      return
    }
    this.#searched = 0
    const head = parseRequestHead(bytes.subarray(0, end))
    if (head.kind === 'bad') {
      this.#refuse(head)
      return
    }
    this.#begin(head, bytes.subarray(end))
  }

  #begin(head: RequestHead, rest: Buffer): void {
    const exchange: Http1Exchange = new Http1Exchange(
      { socket: this.#socket, finished: () => this.#finished(exchange), detach: () => this.#detach() },
      head,
    )
    this.#exchange = exchange
    if (rest.length > 0) this.#readBody(exchange, rest)
    // a body that is bad from its first byte on needs no judgement
    if (this.#exchange !== exchange || this.#isClosing) return
    exchange.isBegun = true
    this.#handler.begin(exchange)
  }

  #readBody(exchange: Http1Exchange, chunk: Buffer): void {
    const result = exchange.feed(chunk)
    if (result.kind === 'bad') {
      this.#broken(exchange, result)
      return
    }
    if (result.rest === null) return
    this.#hold(result.rest)
    // it was answered while its last bytes were read
    if (this.#exchange === null) process.nextTick(() => this.#next())
  }

  #hold(bytes: Buffer): void {
    this.#held = this.#held === null ? bytes : Buffer.concat([this.#held, bytes])
    if (this.#held.length <= pipelinedBytes || this.#isHeld) return
    this.#isHeld = true
    this.#socket.pause()
  }

  #finished(exchange: Http1Exchange): void {
    if (this.#exchange !== exchange) return
    this.#exchange = null
    if (!exchange.keepsConnection || this.#socket.readableEnded) {
      this.#close()
      return
    }
    this.#idle.refresh()
    if (this.#held === null) return
    // not at once: pipelined requests that are answered at once would nest
    process.nextTick(() => this.#next())
  }

  #next(): void {
    const held = this.#held
    if (held === null || this.#exchange !== null || this.#isClosing) return
    this.#held = null
    if (this.#isHeld) {
      this.#isHeld = false
      this.#socket.resume()
    }
    this.#readHead(held)
  }

  /** The body of the exchange in flight cannot be read: it was not forwarded whole, and nothing after it can be. */
  #broken(exchange: Http1Exchange, problem: BadMessage): void {
    this.#isClosing = true
    exchange.breakBody(new ClawError('CP_PROTOCOL', `the request body cannot be read: ${problem.because}`))
    if (!exchange.isBegun) {
      this.#exchange = null
      this.#isClosing = false
      this.#refuse(problem)
    }
  }

  #refuse(problem: BadMessage): void {
    this.#isClosing = true
    const { response, body } = this.#handler.refuse(problem)
    this.#socket.write(responseText(response, body.length, { isHttp10: false, keepsConnection: false }), 'latin1')
    this.#socket.write(body)
    this.#close()
  }

  #ended(): void {
    if (this.#exchange === null) {
      this.#close()
      return
    }
    const exchange = this.#exchange
    if (!exchange.body.isOver) exchange.breakBody(new ClawError('CP_PROTOCOL', 'the agent closed inside the body'))
    const timer = setTimeout(() => exchange.gone('the agent closed its side'), halfClosedMs)
    this.#socket.on('close', () => clearTimeout(timer))
  }

  #detach(): Buffer {
    for (const [event, listener] of this.#listeners) this.#socket.off(event, listener)
    clearTimeout(this.#idle)
    this.#exchange = null
    this.#isClosing = true
    return this.#held ?? Buffer.alloc(0)
  }

  #expire(): void {
    if (this.#exchange === null) this.#close()
    else this.#idle.refresh()
  }

  #close(): void {
    this.#isClosing = true
    closeGently(this.#socket)
  }
}
