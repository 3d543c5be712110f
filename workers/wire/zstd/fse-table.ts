import { malformed } from './zstd-fault.ts'

/** A decoding table of finite state entropy: one row for each state. */
export interface FseTable {
  /** States are numbers of so many bits. */
  readonly log: number
  readonly symbols: Uint8Array
  /** Bits to read for the next state, and what they are added to. */
  readonly bits: Uint8Array
  readonly bases: Uint16Array
}

interface Limits {
  readonly log: number
  readonly symbol: number
}

/**
 * Reads the description of a table.
 * @returns the table, and the position after its description
 * @throws ZstdFault when it does not describe a whole distribution within the limits
 * @see RFC 8878 4.1.1
 */
export function readFseTable(bytes: Uint8Array, start: number, most: Limits): { table: FseTable; end: number } {
  let position = start * 8
  const take = (count: number): number => {
    const at = position >>> 3
    const low = (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16)
    position += count
    return (low >>> ((position - count) & 7)) & ((1 << count) - 1)
  }
  const log = take(4) + 5
  if (log > most.log) throw malformed('a table with too many states')
  const counts: number[] = []
  let remaining = 1 << log
  while (remaining > 0) {
    const width = 32 - Math.clz32(remaining + 1)
    const half = (1 << (width - 1)) - 1
    const short = (1 << width) - 2 - remaining
    let value = take(width)
    if ((value & half) < short) {
      // low values take one bit less
      position -= 1
      value &= half
    } else if (value > half) value -= short
    // -1 is "less than 1", which takes one state
    remaining -= Math.abs(value - 1)
    counts.push(value - 1)
    if (value === 1) {
      let repeat: number
      do {
        repeat = take(2)
        for (let i = 0; i < repeat; i++) counts.push(0)
      } while (repeat === 3 && counts.length <= most.symbol)
    }
    if (counts.length > most.symbol + 1) throw malformed('a table with too many symbols')
  }
  const end = (position + 7) >>> 3
  if (remaining !== 0 || end > bytes.length) throw malformed('a table that ends early')
  return { table: fseTable(counts, log), end }
}

/** Makes the table of a distribution: for each symbol its number of states, -1 for a rare one. */
export function fseTable(counts: readonly number[], log: number): FseTable {
  const size = 1 << log
  const symbols = new Uint8Array(size)
  const next = Uint16Array.from(counts, (count) => Math.abs(count))
  let top = size
  for (const [symbol, count] of counts.entries()) if (count === -1) symbols[--top] = symbol
  const step = (size >> 1) + (size >> 3) + 3
  let at = 0
  for (const [symbol, count] of counts.entries()) {
    for (let i = 0; i < count; i++) {
      symbols[at] = symbol
      do at = (at + step) & (size - 1)
      while (at >= top)
    }
  }
  if (at !== 0) throw malformed('a table with holes')
  const bits = new Uint8Array(size)
  const bases = new Uint16Array(size)
  for (let state = 0; state < size; state++) {
    const symbol = symbols[state] ?? 0
    const order = next[symbol] ?? 0
    next[symbol] = order + 1
    const width = log - 31 + Math.clz32(order)
    bits[state] = width
    bases[state] = (order << width) - size
  }
  return { log, symbols, bits, bases }
}

/** Makes the table that says one symbol for ever. */
export function constantTable(symbol: number): FseTable {
  return { log: 0, symbols: Uint8Array.of(symbol), bits: new Uint8Array(1), bases: new Uint16Array(1) }
}
