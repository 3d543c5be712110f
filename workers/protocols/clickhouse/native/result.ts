import { ClawError } from '../../../contract/errors.ts'
import type { ResultLimits } from '../../../contract/verdict.ts'
import type { ServerPacket } from '../../../wire/clickhouse/server-packets.ts'

/** Most bytes of a block that are kept back until it is known whether all of it may pass. */
const mostKept = 4 << 20

/**
 * Counts what a server answers, and holds it to limits: blocks pass whole or not at all, so that an agent can go on
 * reading. Only one that is too large to be kept back passes as it comes.
 */
export class Result {
  rows = 0
  /** Of blocks with rows, as they were sent. */
  bytes = 0
  /** The limit that one more block would have broken; from then on nothing passes. */
  exceeded: keyof ResultLimits | null = null
  readonly #limits: ResultLimits
  #kept: Buffer[] = []
  #keptBytes = 0
  #isCounted = false
  /** Whether the block at hand has begun to pass. */
  #isPassing = false

  constructor(limits: ResultLimits) {
    this.#limits = limits
  }

  /** Whether there is anything it is held to. */
  get isLimited(): boolean {
    return this.#limits.rows !== undefined || this.#limits.bytes !== undefined
  }

  /** What passes of the beginning of a packet. */
  begin(packet: ServerPacket): readonly Buffer[] {
    const isRows = packet.kind === 'data' || packet.kind === 'totals' || packet.kind === 'extremes'
    this.#isCounted = isRows && packet.block.rows > 0
    this.#isPassing = false
    if (packet.kind === 'data' && this.exceeded === null) {
      if (this.rows + packet.block.rows > (this.#limits.rows ?? Number.POSITIVE_INFINITY)) this.exceeded = 'rows'
      else this.rows += packet.block.rows
    }
    return this.add(packet.held)
  }

  /**
   * What passes when more of the packet comes.
   * @throws ClawError CP_LIMIT where part of it has passed and the rest may not
   */
  add(bytes: Buffer): readonly Buffer[] {
    if (this.exceeded !== null) return []
    if (!this.#isCounted) return [bytes]
    this.bytes += bytes.length
    const { bytes: most } = this.#limits
    if (most === undefined) return [bytes]
    if (this.bytes > most) {
      if (this.#isPassing) throw new ClawError('CP_LIMIT', `the result is over limit_bytes = ${most}`)
      this.exceeded = 'bytes'
      this.#kept = []
      return []
    }
    if (this.#isPassing) return [bytes]
    this.#kept.push(bytes)
    this.#keptBytes += bytes.length
    if (this.#keptBytes <= mostKept) return []
    this.#isPassing = true
    return this.end()
  }

  /** What passes when the packet has ended. */
  end(): readonly Buffer[] {
    const kept = this.#kept
    this.#kept = []
    this.#keptBytes = 0
    return kept
  }
}
