import { decodeZstdBlocks } from '../zstd/decode-zstd.ts'
import { type ByteSource, malformed, type Reading } from './byte-source.ts'
import { cityHash128 } from './city-hash.ts'
import { decodeLz4 } from './lz4.ts'

/** Largest frame, bytes, before and after it is decompressed; clients and servers make them of 1 to 10 MiB. */
export const largestFrame = 16 << 20
const headLength = 9

/**
 * Reads a compressed frame and decompresses it.
 * @param isVerified whether its checksum is looked at
 * @throws ClawError CP_PROTOCOL where a server would not take it: it would stop in the middle of a block
 * @see ClickHouse src/Compression/CompressedReadBufferBase.cpp
 */
export function* readFrame(source: ByteSource, isVerified: boolean): Reading<Buffer> {
  const checksum = Buffer.from(yield* source.fixed(16))
  const head = Buffer.from(yield* source.fixed(headLength))
  const length = head.readUInt32LE(1)
  const plainLength = head.readUInt32LE(5)
  if (length < headLength || length > largestFrame + headLength || plainLength === 0 || plainLength > largestFrame)
    throw malformed(`a compressed frame has ${length} bytes for ${plainLength}`)
  const content = yield* source.fixed(length - headLength)
  if (isVerified && !cityHash128(Buffer.concat([head, content])).equals(checksum))
    throw malformed('the checksum of a compressed frame is wrong')
  const plain = decompress(head[0] ?? 0, content, plainLength)
  if (plain === null) throw malformed('a compressed frame cannot be decompressed')
  return plain
}

function decompress(method: number, content: Buffer, length: number): Buffer | null {
  switch (method) {
    case 0x02:
      return content.length === length ? content : null
    case 0x82:
      return decodeLz4(content, length)
    case 0x90:
      return decodeZstdBlocks(content, length)
    default:
      throw malformed(`frames are compressed by method 0x${method.toString(16)}; LZ4, ZSTD and NONE are understood`)
  }
}
