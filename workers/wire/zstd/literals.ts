import { type HuffmanTable, readHuffmanTable, readSymbols } from './huffman-table.ts'
import { malformed } from './zstd-fault.ts'

/** The literals of a compressed block. */
export interface Literals {
  readonly bytes: Uint8Array
  /** Position after them in the block. */
  readonly end: number
  /** For a later block that names none. */
  readonly table: HuffmanTable | null
}

/**
 * Reads the literals section of a compressed block.
 * @param known the code of an earlier block of the frame
 * @param most longest the literals may be
 * @see RFC 8878 3.1.1.3.1
 */
export function readLiterals(block: Uint8Array, known: HuffmanTable | null, most: number): Literals {
  const head = block[0] ?? 0
  const kind = head & 3
  return kind < 2 ? readPlain(block, kind === 1, known, most) : readCoded(block, kind === 3, known, most)
}

function readPlain(block: Uint8Array, isRun: boolean, table: HuffmanTable | null, most: number): Literals {
  const form = ((block[0] ?? 0) >> 2) & 3
  const headLength = form === 1 ? 2 : form === 3 ? 3 : 1
  const size = little(block, 0, headLength) >>> (headLength === 1 ? 3 : 4)
  const end = headLength + (isRun ? 1 : size)
  if (size > most || end > block.length) throw malformed('literals longer than their block')
  const bytes = isRun ? new Uint8Array(size).fill(block[headLength] ?? 0) : block.subarray(headLength, end)
  return { bytes, end, table }
}

function readCoded(block: Uint8Array, isRepeat: boolean, known: HuffmanTable | null, most: number): Literals {
  const form = ((block[0] ?? 0) >> 2) & 3
  const headLength = form < 2 ? 3 : form + 2
  const width = form < 2 ? 10 : form === 2 ? 14 : 18
  // at most 36 bits and the 4 before them: more than an integer of 32 bits holds
  const fields = Math.floor(little(block, 0, headLength) / 16)
  const size = fields % 2 ** width
  const end = headLength + Math.floor(fields / 2 ** width)
  if (size === 0 || size > most || end > block.length) throw malformed('literals longer than their block')
  const own = isRepeat ? null : readHuffmanTable(block.subarray(0, end), headLength)
  const table = own?.table ?? known
  if (table === null) throw malformed('literals in a code not given')
  const streams = block.subarray(own?.end ?? headLength, end)
  const bytes = new Uint8Array(size)
  if (form === 0) readSymbols(streams, table, bytes)
  else readFour(streams, table, bytes)
  return { bytes, end, table }
}

function readFour(streams: Uint8Array, table: HuffmanTable, into: Uint8Array): void {
  // the reference decoder's least
  if (into.length < 6 || streams.length < 10) throw malformed('too few literals for four streams')
  const quarter = (into.length + 3) >> 2
  let at = 6
  for (let i = 0; i < 4; i++) {
    const end = i === 3 ? streams.length : at + little(streams, i * 2, 2)
    if (end > streams.length) throw malformed('literals longer than their block')
    readSymbols(streams.subarray(at, end), table, into.subarray(i * quarter, i === 3 ? into.length : (i + 1) * quarter))
    at = end
  }
}

function little(bytes: Uint8Array, at: number, count: number): number {
  let value = 0
  for (let i = count - 1; i >= 0; i--) value = value * 256 + (bytes[at + i] ?? 0)
  return value
}
