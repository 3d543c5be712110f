import zlib from 'node:zlib'

/** How the messages of one direction are compressed. */
export type FrameCompression =
  | 'none'
  /** Each message by itself. */
  | 'fresh'
  /** Each with the last 32 KiB of the messages before. */
  | 'carried'

/** What a reader of one direction is told. */
export interface FrameReaderOptions {
  /** Whether frames must be masked: those of a client are. */
  readonly isMasked: boolean
  readonly compression: FrameCompression
  /** A whole text message, or as much of it as is kept; `total` is its length, bytes. */
  readonly text: (bytes: Buffer, total: number) => void
}

/** Largest frame, bytes. */
const maxFrameBytes = 16 * 1024 * 1024
/** Bytes of a message that are kept, before and after inflating. */
const maxKeptBytes = 1024 * 1024
const windowBytes = 32 * 1024
const tail = Buffer.from([0, 0, 0xff, 0xff])

interface Message {
  readonly isText: boolean
  readonly isCompressed: boolean
  readonly pieces: Buffer[]
  kept: number
  total: number
}

/**
 * Reads WebSocket frames as they pass, without holding them up.
 * @see RFC 6455 section 5.2, RFC 7692 section 7.2
 */
export class FrameReader {
  readonly #options: FrameReaderOptions
  /** Header bytes that are not whole yet. */
  #head: Buffer = Buffer.alloc(0)
  #left = 0
  #mask: Buffer | null = null
  #maskAt = 0
  #isFinal = false
  #isControl = false
  #message: Message | null = null
  #window: Buffer = Buffer.alloc(0)
  /** Whether a message could not be inflated, so that none after it can be where the window is carried on. */
  #isLost = false

  constructor(options: FrameReaderOptions) {
    this.#options = options
  }

  /** Reads on; words when what was sent is not a WebSocket, or a frame is too long. */
  feed(chunk: Buffer): string | null {
    let at = 0
    while (at < chunk.length) {
      if (this.#left === 0) {
        const bytes = this.#head.length === 0 ? chunk.subarray(at) : Buffer.concat([this.#head, chunk.subarray(at)])
        const size = headSize(bytes)
        if (bytes.length < size) {
          this.#head = Buffer.from(bytes)
          return null
        }
        at += size - this.#head.length
        this.#head = Buffer.alloc(0)
        const bad = this.#begin(bytes.subarray(0, size))
        if (bad !== null) return bad
        if (this.#left === 0) this.#end()
        continue
      }
      const piece = chunk.subarray(at, at + this.#left)
      at += piece.length
      this.#left -= piece.length
      this.#keep(piece)
      if (this.#left === 0) this.#end()
    }
    return null
  }

  #begin(head: Buffer): string | null {
    const [first = 0, second = 0] = head
    const opcode = first & 0x0f
    const isFinal = (first & 0x80) !== 0
    const isMasked = (second & 0x80) !== 0
    const isCompressed = (first & 0x40) !== 0
    const length = payloadLength(head)
    if (length > maxFrameBytes) return 'a WebSocket frame is longer than 16 MiB'
    if (isMasked !== this.#options.isMasked) return 'a WebSocket frame is masked on the wrong side'
    if ((first & 0x30) !== 0) return 'a WebSocket frame has reserved bits set'
    if (isCompressed && (this.#options.compression === 'none' || opcode === 0 || opcode >= 8))
      return 'a WebSocket frame is compressed where none may be'
    this.#isControl = opcode >= 8
    if (this.#isControl && (opcode > 10 || !isFinal || length > 125)) return 'a WebSocket control frame is malformed'
    if (!this.#isControl) {
      if (opcode > 2) return 'a WebSocket frame has an unknown opcode'
      if ((opcode === 0) === (this.#message === null)) return 'WebSocket fragments are out of order'
      this.#isFinal = isFinal
      this.#message ??= { isText: opcode === 1, isCompressed, pieces: [], kept: 0, total: 0 }
    }
    this.#left = length
    this.#mask = isMasked ? Buffer.from(head.subarray(head.length - 4)) : null
    this.#maskAt = 0
    return null
  }

  #keep(piece: Buffer): void {
    const message = this.#message
    const maskAt = this.#maskAt
    this.#maskAt += piece.length
    if (this.#isControl || message === null) return
    message.total += piece.length
    // a compressed message that is not text is kept too: those after it may refer to it
    if (!message.isText && !message.isCompressed) return
    if (message.kept + piece.length > maxKeptBytes && message.isCompressed) {
      message.kept = Number.POSITIVE_INFINITY
      message.pieces.length = 0
      return
    }
    const kept = piece.subarray(0, Math.max(0, maxKeptBytes - message.kept))
    message.kept += kept.length
    message.pieces.push(unmask(kept, this.#mask, maskAt))
  }

  #end(): void {
    const message = this.#message
    if (this.#isControl || message === null || !this.#isFinal) return
    this.#message = null
    if (!message.isCompressed) {
      if (message.isText) this.#options.text(Buffer.concat(message.pieces), message.total)
      return
    }
    const plain = this.#inflate(message)
    if (message.isText) this.#options.text(plain ?? Buffer.alloc(0), plain?.length ?? message.total)
  }

  #inflate({ kept, pieces }: Message): Buffer | null {
    const isCarried = this.#options.compression === 'carried'
    if (this.#isLost) return null
    try {
      if (kept > maxKeptBytes) throw new RangeError('the message was not kept')
      const plain = zlib.inflateRawSync(Buffer.concat([...pieces, tail]), {
        maxOutputLength: maxKeptBytes,
        finishFlush: zlib.constants.Z_SYNC_FLUSH,
        ...(isCarried && this.#window.length > 0 ? { dictionary: this.#window } : {}),
      })
      if (isCarried) this.#window = Buffer.from(Buffer.concat([this.#window, plain]).subarray(-windowBytes))
      return plain
    } catch {
      this.#isLost = isCarried
      return null
    }
  }
}

/** Bytes of a frame's header, as far as it can be told from its first bytes. */
function headSize(bytes: Buffer): number {
  const second = bytes[1]
  if (second === undefined) return 2
  const short = second & 0x7f
  return 2 + (short === 126 ? 2 : short === 127 ? 8 : 0) + ((second & 0x80) !== 0 ? 4 : 0)
}

function payloadLength(head: Buffer): number {
  const short = (head[1] ?? 0) & 0x7f
  if (short === 126) return head.readUInt16BE(2)
  return short === 127 ? Number(head.readBigUInt64BE(2)) : short
}

function unmask(bytes: Buffer, mask: Buffer | null, from: number): Buffer {
  const plain = Buffer.from(bytes)
  if (mask === null) return plain
  for (let at = 0; at < plain.length; at += 1) plain[at] = (plain[at] ?? 0) ^ (mask[(from + at) & 3] ?? 0)
  return plain
}
