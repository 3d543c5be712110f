import { ClawError } from '../../contract/errors.ts'
import type { HeaderList } from './header-list.ts'

/** Takes a body as it comes. */
export interface BodySink {
  /** false: full; nothing more until `onDrain`. What comes anyway is still taken. */
  write(chunk: Buffer): boolean
  end(trailers: HeaderList | null): void
  /** The body will not be whole: what was begun must be broken off visibly. */
  abort(error: ClawError): void
  /** Set by whoever feeds it. */
  onDrain: (() => void) | null
}

/** The connection a body comes from. */
export interface BodyValve {
  pause(): void
  resume(): void
}

/** How far a body could be read for inspection. */
export type Peeked = 'whole' | 'truncated' | 'stalled' | 'failed'

/** Bytes kept while nobody takes them; the source is paused beyond. */
const heldBytes = 64 * 1024

/** Bytes all bodies of the thread may hold for inspection; one that would need more is not seen whole. */
const maxHeldTotal = 128 * 1024 * 1024
let heldTotal = 0

/** A message body on its way from a connection to a sink, with its back-pressure. */
export class Body {
  /** Bytes announced; null: known at its end. */
  readonly length: number | null
  received = 0
  /** Sees each chunk once, as it arrives. */
  tap: ((chunk: Buffer) => void) | null = null
  /** Picks the trailers that go on to the sink. */
  filterTrailers: ((trailers: HeaderList) => HeaderList) | null = null
  readonly #valve: BodyValve | null
  #state: 'open' | 'ended' | 'failed' = 'open'
  #trailers: HeaderList | null = null
  #error: ClawError | null = null
  #held: Buffer[] = []
  #heldBytes = 0
  #limit = heldBytes
  #isPaused = false
  #sink: BodySink | null = null
  #peek: { readonly limit: number; readonly idle: NodeJS.Timeout; settle: (peeked: Peeked) => void } | null = null

  constructor(length: number | null, valve: BodyValve | null) {
    this.length = length
    this.#valve = valve
    if (length === 0) this.#state = 'ended'
  }

  /** Whether it has no byte and is over. */
  get isEmpty(): boolean {
    return this.#state === 'ended' && this.received === 0 && this.#trailers === null
  }

  get isOver(): boolean {
    return this.#state !== 'open'
  }

  get error(): ClawError | null {
    return this.#error
  }

  /** Source side: more bytes. */
  push(chunk: Buffer): void {
    if (this.#state !== 'open' || chunk.length === 0) return
    this.received += chunk.length
    this.tap?.(chunk)
    if (this.#sink !== null) {
      if (!this.#sink.write(chunk)) this.#pause()
      return
    }
    this.#held.push(chunk)
    this.#heldBytes += chunk.length
    heldTotal += chunk.length
    this.#peek?.idle.refresh()
    if (this.#heldBytes > this.#limit || heldTotal > maxHeldTotal) {
      this.#pause()
      this.#settlePeek('truncated')
    }
  }

  /** Source side: it is whole. */
  finish(trailers: HeaderList | null): void {
    if (this.#state !== 'open') return
    this.#state = 'ended'
    this.#trailers = trailers !== null && trailers.length > 0 ? trailers : null
    // what follows on the connection is not this body's to hold up
    this.#resume()
    this.#settlePeek('whole')
    if (this.#sink !== null) this.#endSink(this.#sink)
  }

  /** Source side: the rest will never come. */
  fail(error: ClawError): void {
    if (this.#state !== 'open') return
    this.#state = 'failed'
    this.#error = error
    this.#resume()
    this.#settlePeek('failed')
    this.#sink?.abort(error)
  }

  /**
   * Waits until the body is whole, longer than `limit` bytes, or no byte came for `idleMs`.
   * Takes nothing: what was read still goes to the sink.
   */
  peek(limit: number, idleMs: number): Promise<Peeked> {
    if (this.#state === 'ended') return Promise.resolve(this.#heldBytes > limit ? 'truncated' : 'whole')
    if (this.#state === 'failed') return Promise.resolve('failed')
    if (this.#heldBytes > limit) return Promise.resolve('truncated')
    this.#limit = limit
    this.#resume()
    return new Promise((settle) => {
      const idle = setTimeout(() => this.#settlePeek('stalled'), idleMs)
      this.#peek = { limit, idle, settle }
    })
  }

  /** What is held, at most `limit` bytes of it. */
  heldPrefix(limit: number): Buffer {
    const [first] = this.#held
    const all = this.#held.length === 1 && first !== undefined ? first : Buffer.concat(this.#held)
    return all.subarray(0, limit)
  }

  /** Sends everything, held bytes first, to a sink; once. */
  pipe(sink: BodySink): void {
    if (this.#sink !== null) throw new ClawError('CP_INTERNAL', 'a body was sent twice')
    this.#settlePeek('truncated')
    sink.onDrain = () => this.#resume()
    this.#sink = sink
    const held = this.release()
    let hasRoom = true
    for (const chunk of held) hasRoom = sink.write(chunk)
    if (this.#state === 'ended') {
      this.#endSink(sink)
      return
    }
    if (this.#state === 'failed') {
      sink.abort(this.#error ?? new ClawError('CP_PROTOCOL', 'the body broke off'))
      return
    }
    if (hasRoom) this.#resume()
    else this.#pause()
  }

  /** Forgets what is held; nobody will take it any more. */
  release(): readonly Buffer[] {
    const held = this.#held
    heldTotal -= this.#heldBytes
    this.#held = []
    this.#heldBytes = 0
    return held
  }

  /** Whether a sink was given. */
  get isPiped(): boolean {
    return this.#sink !== null
  }

  #endSink(sink: BodySink): void {
    const trailers = this.#trailers === null ? null : (this.filterTrailers?.(this.#trailers) ?? this.#trailers)
    sink.end(trailers === null || trailers.length === 0 ? null : trailers)
  }

  #settlePeek(peeked: Peeked): void {
    if (this.#peek === null) return
    const { idle, settle } = this.#peek
    this.#peek = null
    clearTimeout(idle)
    settle(peeked)
  }

  #pause(): void {
    if (this.#isPaused) return
    this.#isPaused = true
    this.#valve?.pause()
  }

  #resume(): void {
    if (!this.#isPaused) return
    this.#isPaused = false
    this.#valve?.resume()
  }
}
