import { ByteSource, malformed, type Reading } from './byte-source.ts'

/**
 * What a reader of packets comes to: `more` bytes are needed, it has to `wait` to be told something, a packet that
 * may be given out, bytes of it that may pass, or the `end` of one given out before that.
 */
export type Step<P> = 'more' | 'wait' | 'end' | Buffer | P

/** The packets of one direction, as a reader comes to them. */
export type Packets<P> = Generator<Step<P>, never, undefined>

/** A packet with the bytes to be passed on: all of them, or its first where it goes on. */
export interface Held {
  readonly held: Buffer
  /** Whether more bytes of it come from `rest`: until there are none, no other packet is given out. */
  readonly goesOn: boolean
}

/**
 * Splits one direction of a connection into packets. Feed chunks of any size, and take out what is there: the packet,
 * and while it goes on the rest of it, which is passed on as it comes and never collected.
 */
export class PacketDecoder<P extends Held> {
  readonly #source = new ByteSource()
  readonly #packets: Packets<P>
  #fault: unknown = null
  /** Whether the packet given out last goes on. */
  isInside = false

  constructor(read: (source: ByteSource) => Packets<P>) {
    this.#packets = read(this.#source)
  }

  /** Adds a chunk; it must not be changed afterwards. */
  push(chunk: Buffer): void {
    this.#source.push(chunk)
  }

  /**
   * The next packet; null: more bytes are needed, or the rest of the last one has to be taken out first.
   * @throws ClawError CP_PROTOCOL or CP_LIMIT, from then on each time
   */
  next(): P | null {
    if (this.isInside) return null
    for (;;) {
      const step = this.#step()
      if (Buffer.isBuffer(step)) throw new Error('bytes of no packet')
      if (typeof step === 'object') {
        this.isInside = step.goesOn
        return step
      }
      if (step === 'wait') return null
      if (step === 'more' && !this.#source.advance()) return null
    }
  }

  /**
   * The next bytes of a packet that goes on; null: more are needed, or `isInside` is false.
   * @throws ClawError as `next` does
   */
  rest(): Buffer | null {
    while (this.isInside) {
      const step = this.#step()
      if (step === 'more') {
        if (!this.#source.advance()) return null
        continue
      }
      if (step === 'end') this.isInside = false
      else if (Buffer.isBuffer(step) && step.length > 0) return step
    }
    return null
  }

  /** All bytes not given out yet, for who goes on without packets; nothing is given out any more. */
  leave(): Buffer {
    this.#fault ??= malformed('its packets are no longer looked at')
    this.isInside = false
    return this.#source.takeAll()
  }

  #step(): Step<P> {
    if (this.#fault !== null) throw this.#fault
    try {
      return this.#packets.next().value
    } catch (error) {
      this.#fault = error
      this.isInside = false
      throw error
    }
  }
}

/** Lets bytes pass as they are read. */
export function* passing(source: ByteSource, reading: Reading<void>): Generator<'more' | Buffer, void, undefined> {
  while (reading.next().done !== true) {
    yield source.take()
    yield 'more'
  }
  yield source.take()
}
