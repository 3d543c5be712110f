import { malformed } from './zstd-fault.ts'

/** How a frame begins. */
export interface FrameHeader {
  /** Position of the first block. */
  readonly end: number
  /** How far back the frame may reach, bytes; up to gigabytes: never to be allocated. */
  readonly windowSize: number
  readonly contentSize: number | null
  readonly hasChecksum: boolean
}

const magic = 0xfd2fb528
/** The reference decoder's most. */
const largestWindowLog = 31

/**
 * Reads the header of a frame with content.
 * @throws ZstdFault when it is none, ends early, or wants a dictionary
 * @see RFC 8878 3.1.1.1 and 3.1.2
 */
export function readFrameHeader(bytes: Buffer): FrameHeader {
  let at = 0
  const take = (count: number): number => {
    if (at + count > bytes.length) throw malformed('a frame header that ends early')
    at += count
    if (count === 8) return Number(bytes.readBigUInt64LE(at - 8))
    return count === 0 ? 0 : bytes.readUIntLE(at - count, count)
  }
  if (take(4) !== magic) throw malformed('bytes that are no frame')
  const descriptor = take(1)
  if ((descriptor & 0b1000) !== 0) throw malformed('a frame of a later format')
  const isSingle = (descriptor & 0b10_0000) !== 0
  const window = isSingle ? 0 : take(1)
  if (10 + (window >> 3) > largestWindowLog) throw malformed('a window no decoder has')
  if (take([0, 1, 2, 4][descriptor & 3] ?? 0) !== 0) throw malformed('a frame that wants a dictionary')
  const width = [isSingle ? 1 : 0, 2, 4, 8][descriptor >> 6] ?? 0
  const contentSize = width === 0 ? null : take(width) + (width === 2 ? 256 : 0)
  const windowSize = isSingle && contentSize !== null ? contentSize : (8 + (window & 7)) * 2 ** (7 + (window >> 3))
  return { end: at, windowSize, contentSize, hasChecksum: (descriptor & 0b100) !== 0 }
}
