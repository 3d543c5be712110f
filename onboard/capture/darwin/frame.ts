import { ClawError } from '../../../workers/contract/errors.ts'

/** Largest body of a frame, bytes. */
export const maxFrameBytes = 64 * 1024

/**
 * A message as it goes over the control socket: u32 length, big-endian, then JSON in UTF-8.
 * @throws ClawError CP_LIMIT when it is larger than a frame; the text never quotes the message, which has keys in it
 */
export function encodeFrame(message: object): Buffer {
  const body = Buffer.from(JSON.stringify(message), 'utf8')
  if (body.length > maxFrameBytes)
    throw new ClawError('CP_LIMIT', `Cannot send a message of ${body.length} bytes: at most ${maxFrameBytes}`)
  const frame = Buffer.allocUnsafe(4 + body.length)
  frame.writeUInt32BE(body.length)
  body.copy(frame, 4)
  return frame
}

/** What a chunk completed, and the bytes after it. */
export interface Taken {
  readonly body: Buffer | null
  readonly rest: Buffer
}

/** Cuts a byte stream into frame bodies, one at a time: what follows the last frame may be no frame at all. */
export class FrameReader {
  readonly #head = Buffer.alloc(4)
  #headBytes = 0
  #body: Buffer | null = null
  #bodyBytes = 0

  /**
   * Takes a chunk of any size up to the end of the first frame in it.
   * @throws ClawError CP_PROTOCOL for a length of 0 or above `maxFrameBytes`, before anything is kept for it
   */
  take(chunk: Buffer): Taken {
    let rest = chunk
    if (this.#body === null) {
      const copied = rest.copy(this.#head, this.#headBytes)
      this.#headBytes += copied
      rest = rest.subarray(copied)
      if (this.#headBytes < 4) return { body: null, rest }
      this.#body = Buffer.alloc(checkedLength(this.#head.readUInt32BE()))
    }
    const copied = rest.copy(this.#body, this.#bodyBytes)
    this.#bodyBytes += copied
    rest = rest.subarray(copied)
    if (this.#bodyBytes < this.#body.length) return { body: null, rest }
    const body = this.#body
    this.#body = null
    this.#headBytes = 0
    this.#bodyBytes = 0
    return { body, rest }
  }
}

function checkedLength(bytes: number): number {
  if (bytes === 0 || bytes > maxFrameBytes)
    throw new ClawError('CP_PROTOCOL', `Cannot read a message of ${bytes} bytes: 1 to ${maxFrameBytes}`)
  return bytes
}
