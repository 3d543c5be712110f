import type { Duplex } from 'node:stream'
import type { Held, PacketDecoder } from '../../../wire/clickhouse/packet-decoder.ts'

/** Packets of one direction, read from a socket as they are wanted: what is not asked for waits in the socket. */
export class PacketStream<P extends Held, D extends PacketDecoder<P> = PacketDecoder<P>> {
  readonly decoder: D
  readonly #socket: Duplex

  constructor(socket: Duplex, decoder: D) {
    this.#socket = socket
    this.decoder = decoder
  }

  /**
   * The next packet, what is left of the last one passed over; null: the connection ended.
   * @throws ClawError for bytes that are no packet, or the reason of the signal
   */
  async next(signal?: AbortSignal): Promise<P | null> {
    for (;;) {
      const packet = this.decoder.next()
      if (packet !== null) return packet
      if (!(await this.more(signal))) return null
    }
  }

  /** Takes in what the socket has next; false: it ended. */
  more(signal?: AbortSignal): Promise<boolean> {
    const socket = this.#socket
    if (this.#take()) return Promise.resolve(true)
    return new Promise((resolve, reject) => {
      const finish = (settle: () => void) => {
        signal?.removeEventListener('abort', aborted)
        socket.off('readable', attempt).off('end', ended).off('close', ended).off('error', ended)
        settle()
      }
      const aborted = () => finish(() => reject(signal?.reason))
      const ended = () => finish(() => resolve(false))
      const attempt = () => {
        if (this.#take()) finish(() => resolve(true))
      }
      if (signal?.aborted === true) return reject(signal.reason)
      if (socket.destroyed || socket.readableEnded) return resolve(false)
      signal?.addEventListener('abort', aborted, { once: true })
      socket.on('readable', attempt).on('end', ended).on('close', ended).on('error', ended)
      attempt()
    })
  }

  #take(): boolean {
    if (this.#socket.destroyed) return false
    const chunk = this.#socket.read() as Buffer | null
    if (chunk === null) return false
    this.decoder.push(chunk)
    return true
  }
}
