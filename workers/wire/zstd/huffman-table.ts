import { BackwardBits } from './backward-bits.ts'
import { readFseTable } from './fse-table.ts'
import { malformed } from './zstd-fault.ts'

/** A decoding table of a Huffman code: one row for each value of the next `log` bits. */
export interface HuffmanTable {
  readonly log: number
  readonly symbols: Uint8Array
  readonly bits: Uint8Array
}

/** RFC 8878 4.2.1: no code is longer. */
const longestCode = 11

/**
 * Reads the description of a code.
 * @returns the table, and the position after its description
 * @throws ZstdFault when it does not describe a complete code
 * @see RFC 8878 4.2.1
 */
export function readHuffmanTable(bytes: Uint8Array, start: number): { table: HuffmanTable; end: number } {
  const head = bytes[start] ?? 0
  const isPacked = head < 128
  const end = start + 1 + (isPacked ? head : (head - 126) >> 1)
  if (end > bytes.length) throw malformed('a Huffman code that ends early')
  const body = bytes.subarray(start + 1, end)
  const weights = isPacked ? unpackWeights(body) : plainWeights(body, head - 127)
  return { table: huffmanTable(weights), end }
}

/** Reads symbols to fill `into`; the stream must end with the last of them. */
export function readSymbols(bytes: Uint8Array, table: HuffmanTable, into: Uint8Array): void {
  const stream = new BackwardBits(bytes)
  const { log, symbols, bits } = table
  for (let i = 0; i < into.length; i++) {
    const row = stream.peek(log)
    into[i] = symbols[row] ?? 0
    stream.left -= bits[row] ?? 0
    if (stream.left < 0) throw malformed('literals that end early')
  }
  if (stream.left !== 0) throw malformed('literals with bits left over')
}

function plainWeights(body: Uint8Array, count: number): number[] {
  return Array.from({ length: count }, (_, i) => ((body[i >> 1] ?? 0) >> (i % 2 === 0 ? 4 : 0)) & 15)
}

function unpackWeights(body: Uint8Array): number[] {
  const { table, end } = readFseTable(body, 0, { log: 6, symbol: longestCode })
  const stream = new BackwardBits(body.subarray(end))
  // two states take turns; the one whose turn it is not says the last weight
  let state = stream.read(table.log)
  let other = stream.read(table.log)
  const weights: number[] = []
  while (weights.length < 255) {
    weights.push(table.symbols[state] ?? 0)
    const width = table.bits[state] ?? 0
    if (width > stream.left) {
      weights.push(table.symbols[other] ?? 0)
      return weights
    }
    const next = (table.bases[state] ?? 0) + stream.read(width)
    state = other
    other = next
  }
  throw malformed('a Huffman code with too many symbols')
}

function huffmanTable(weights: number[]): HuffmanTable {
  let sum = 0
  for (const weight of weights) {
    if (weight > longestCode) throw malformed('a Huffman code with too long a word')
    sum += (1 << weight) >> 1
  }
  // the last weight is left out: it makes the code complete
  const log = 32 - Math.clz32(sum)
  const rest = (1 << log) - sum
  if (sum === 0 || log > longestCode || weights.length > 255 || (rest & (rest - 1)) !== 0)
    throw malformed('a Huffman code that is not complete')
  weights.push(32 - Math.clz32(rest))
  const longest = weights.filter((weight) => weight === 1).length
  if (longest < 2 || longest % 2 !== 0) throw malformed('a Huffman code that is not a tree')
  const symbols = new Uint8Array(1 << log)
  const bits = new Uint8Array(1 << log)
  let at = 0
  for (let weight = 1; weight <= log; weight++) {
    for (const [symbol, its] of weights.entries()) {
      if (its !== weight) continue
      const next = at + (1 << (weight - 1))
      symbols.fill(symbol, at, next)
      bits.fill(log + 1 - weight, at, next)
      at = next
    }
  }
  return { log, symbols, bits }
}
