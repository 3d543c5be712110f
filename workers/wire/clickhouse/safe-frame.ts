import { malformed } from './byte-source.ts'
import { cityHash128 } from './city-hash.ts'

/*
 * A server that fails in the middle of a block (a type it does not have, memory it does not get) goes on reading there,
 * and takes what follows for packets. What follows may be a value that the agent made up: a statement that nobody
 * judged. So blocks go to a server in frames only, which it reads whole, and wherever it may stop it finds a number
 * that is no packet's, and ends the connection.
 */

/** Longest content of a frame that is made here, bytes. */
const longestContent = 65536
const headLength = 25
const checksumLength = 16
const variants = 16

/** Puts bytes into frames that a server takes for no packet wherever it stops reading. */
export function framed(bytes: Buffer): Buffer {
  const frames: Buffer[] = []
  for (let at = 0; at < bytes.length; ) {
    const frame = safeFrame(bytes.subarray(at, at + longestContent))
    frames.push(frame.bytes)
    at += frame.contentLength
  }
  return frames.length === 1 && frames[0] !== undefined ? frames[0] : Buffer.concat(frames)
}

/** A frame as it came where a server takes it for no packet, else its content in others. */
export function reframed(frame: Buffer, content: Buffer): Buffer {
  return isSafe(frame) ? frame : framed(content)
}

/** A frame of as much of the bytes as makes it safe: all of them but for a few lengths. */
function safeFrame(bytes: Buffer): { bytes: Buffer; contentLength: number } {
  for (let length = bytes.length; length > 0; length -= 1) {
    for (let variant = 0; variant < variants; variant += 1) {
      const frame = stored(bytes.subarray(0, length), variant)
      if (isSafe(frame)) return { bytes: frame, contentLength: length }
    }
  }
  throw malformed('a value cannot be put into a frame that is taken for no packet')
}

/**
 * A frame of LZ4 without matches: it begins with a length, not with a value.
 * @param variant the length of a match that does not follow: decoders do not look at it, but it changes the checksum
 */
function stored(content: Buffer, variant: number): Buffer {
  const { length } = content
  const lengths: number[] = [(length < 15 ? length << 4 : 0xf0) | variant]
  if (length >= 15) {
    let left = length - 15
    for (; left >= 255; left -= 255) lengths.push(255)
    lengths.push(left)
  }
  const body = Buffer.concat([Buffer.alloc(headLength - checksumLength), Buffer.from(lengths), content])
  body[0] = 0x82
  body.writeUInt32LE(body.length, 1)
  body.writeUInt32LE(length, 5)
  return Buffer.concat([cityHash128(body), body])
}

/** Whether no packet begins where a server may stop reading: before a frame, after its checksum, after its head. */
function isSafe(frame: Buffer): boolean {
  return isNoCode(frame, 0) && isNoCode(frame, checksumLength) && isNoCode(frame, headLength)
}

/** Whether the number there is larger than any packet's code. */
function isNoCode(bytes: Buffer, at: number): boolean {
  const first = bytes[at] ?? 0
  return (first & 0x7f) >= 16 || (first >= 0x80 && ((bytes[at + 1] ?? 0) & 0x7f) !== 0)
}
