import { Output } from './zstd/output.ts'
import { malformed, ZstdFault } from './zstd/zstd-fault.ts'

/** What an LZ4 frame says, as far as it was there or asked for. */
export interface Unlz4 {
  readonly bytes: Buffer
  /** Whether that is all of it, and nothing comes after it. */
  readonly isWhole: boolean
  /** Whether more was there than was asked for. */
  readonly isTooLong: boolean
}

const magic = 0x184d2204
const windowSize = 64 * 1024

/**
 * Decodes an LZ4 frame. Checksums are not verified: an upstream that does so refuses what was judged, any other reads
 * what was judged.
 * @param maxBytes longest output
 * @returns null when it is none, or has a dictionary
 * @see github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md
 */
export function decodeLz4Frame(bytes: Buffer, maxBytes: number): Unlz4 | null {
  const output = new Output(maxBytes)
  const said = (isWhole: boolean, isTooLong = false) => ({ bytes: output.whole(), isWhole, isTooLong })
  try {
    const header = readHeader(bytes)
    if (header === null) return null
    output.start(windowSize, null)
    for (let { at } = header; ; ) {
      if (at + 4 > bytes.length) return said(false)
      const word = bytes.readUInt32LE(at)
      at += 4
      if (word === 0) return said(at + header.trailer === bytes.length)
      const size = word & 0x7fffffff
      if (size > header.most) return null
      output.startBlock(header.most)
      const block = bytes.subarray(at, at + size)
      if (word > 0x7fffffff) output.append(block, 0, block.length)
      else runBlock(block, output, block.length === size)
      at += size + header.blockTrailer
      if (at > bytes.length) return said(false)
    }
  } catch (error) {
    if (!(error instanceof ZstdFault)) throw error
    return error.problem === 'too-long' ? said(false, true) : null
  }
}

interface Header {
  /** Where the first block begins. */
  readonly at: number
  /** Longest block. */
  readonly most: number
  readonly blockTrailer: number
  readonly trailer: number
}

function readHeader(bytes: Buffer): Header | null {
  if (bytes.length < 7 || bytes.readUInt32LE(0) !== magic) return null
  const flags = bytes[4] ?? 0
  const size = bytes[5] ?? 0
  const isUsual = flags >> 6 === 1 && (flags & 0b11) === 0 && (size & 0b10001111) === 0 && size >> 4 >= 4
  if (!isUsual) return null
  return {
    at: 7 + ((flags & 8) === 0 ? 0 : 8),
    most: 1 << (8 + 2 * (size >> 4)),
    blockTrailer: (flags & 16) === 0 ? 0 : 4,
    trailer: (flags & 4) === 0 ? 0 : 4,
  }
}

/** @param isWhole false: the block is cut off, and what of it is there is decoded */
function runBlock(block: Buffer, output: Output, isWhole: boolean): void {
  let at = 0
  const length = (start: number): number => {
    let count = start
    if (start !== 15) return count
    for (let more = 255; more === 255; at += 1) {
      more = block[at] ?? -1
      if (more < 0) throw malformed('a length that ends early')
      count += more
    }
    return count
  }
  try {
    while (at < block.length) {
      const token = block[at] ?? 0
      at += 1
      const literals = length(token >> 4)
      if (at + literals > block.length && isWhole) throw malformed('literals that end early')
      output.append(block, at, Math.min(at + literals, block.length))
      at += literals
      if (at >= block.length) return
      if (at + 2 > block.length) throw malformed('an offset that ends early')
      const offset = block.readUInt16LE(at)
      at += 2
      output.repeat(offset, length(token & 15) + 4)
    }
  } catch (error) {
    if (isWhole || !(error instanceof ZstdFault) || error.problem === 'too-long') throw error
  }
}
