import { BackwardBits } from './backward-bits.ts'
import { constantTable, type FseTable, fseTable, readFseTable } from './fse-table.ts'
import type { Output } from './output.ts'
import { malformed } from './zstd-fault.ts'

/** The three tables a block's sequences are coded in. */
export interface SequenceTables {
  readonly literals: FseTable
  readonly offsets: FseTable
  readonly matches: FseTable
}

/** What a frame's next block builds on. */
export interface SequenceState {
  tables: SequenceTables | null
  /** The last three offsets, RFC 8878 3.1.1.5. */
  readonly recent: [number, number, number]
}

interface Code {
  readonly log: number
  readonly symbol: number
  readonly preset: FseTable
}

/** Lengths: code n stands for base n, and so many bits more; each base is where the one before ends. */
interface Lengths {
  readonly bits: Uint8Array
  readonly bases: Uint32Array
}

const literalLengths = lengths(0, [...times(16, 0), 1, 1, 1, 1, 2, 2, 3, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16])
const matchLengths = lengths(3, [
  ...[...times(32, 0), 1, 1, 1, 1, 2, 2, 3, 3, 4, 4, 5],
  ...[7, 8, 9, 10, 11, 12, 13, 14, 15, 16],
])

// RFC 8878 3.1.1.3.2.2: what is used where a block says nothing
const literalCode: Code = {
  log: 9,
  symbol: 35,
  preset: fseTable([4, 3, ...times(11, 2), 1, 1, 1, ...times(9, 2), 3, 2, ...times(5, 1), ...times(4, -1)], 6),
}
const matchCode: Code = {
  log: 9,
  symbol: 52,
  preset: fseTable([1, 4, 3, ...times(6, 2), ...times(37, 1), ...times(7, -1)], 6),
}
const offsetCode: Code = {
  log: 8,
  symbol: 31,
  preset: fseTable([...times(6, 1), 2, 2, 2, ...times(15, 1), ...times(5, -1)], 5),
}

/**
 * Carries out the sequences of a compressed block: copies literals and earlier output.
 * @param section the block after its literals
 * @see RFC 8878 3.1.1.3.2 and 3.1.1.4
 */
export function runSequences(section: Uint8Array, literals: Uint8Array, state: SequenceState, output: Output): void {
  const head = section[0]
  if (head === undefined) throw malformed('a block without sequences section')
  if (head === 0) {
    if (section.length > 1) throw malformed('a block with bytes left over')
    output.append(literals, 0, literals.length)
    return
  }
  const second = section[1] ?? 0
  const count =
    head < 128 ? head : head < 255 ? ((head - 128) << 8) + second : second + ((section[2] ?? 0) << 8) + 0x7f00
  const at = head < 128 ? 1 : head < 255 ? 2 : 3
  if (count === 0) throw malformed('a number of sequences in the wrong form')
  const { tables, end } = readTables(section, at, state.tables)
  state.tables = tables
  decode(new BackwardBits(section.subarray(end)), { count, tables, literals, recent: state.recent }, output)
}

function readTables(section: Uint8Array, start: number, known: SequenceTables | null) {
  const modes = section[start] ?? 0
  if (start >= section.length || (modes & 3) !== 0) throw malformed('sequences in an unknown mode')
  let end = start + 1
  const read = (mode: number, code: Code, earlier: FseTable | undefined): FseTable => {
    if (mode === 0) return code.preset
    if (mode === 1) {
      const symbol = section[end++]
      if (symbol === undefined || symbol > code.symbol) throw malformed('a sequence code out of range')
      return constantTable(symbol)
    }
    if (mode === 2) {
      const found = readFseTable(section, end, code)
      end = found.end
      return found.table
    }
    if (earlier === undefined) throw malformed('sequences in a table not given')
    return earlier
  }
  const literals = read(modes >> 6, literalCode, known?.literals)
  const offsets = read((modes >> 4) & 3, offsetCode, known?.offsets)
  const matches = read((modes >> 2) & 3, matchCode, known?.matches)
  return { tables: { literals, offsets, matches }, end }
}

interface Work {
  readonly count: number
  readonly tables: SequenceTables
  readonly literals: Uint8Array
  readonly recent: [number, number, number]
}

function decode(stream: BackwardBits, { count, tables, literals, recent }: Work, output: Output): void {
  let literalState = stream.read(tables.literals.log)
  let offsetState = stream.read(tables.offsets.log)
  let matchState = stream.read(tables.matches.log)
  let at = 0
  for (let i = 0; i < count; i++) {
    const offsetSize = tables.offsets.symbols[offsetState] ?? 0
    const offsetValue = 2 ** offsetSize + stream.read(offsetSize)
    const match = lengthOf(matchLengths, tables.matches.symbols[matchState] ?? 0, stream)
    const taken = lengthOf(literalLengths, tables.literals.symbols[literalState] ?? 0, stream)
    if (at + taken > literals.length) throw malformed('sequences that take more literals than there are')
    output.append(literals, at, at + taken)
    at += taken
    output.repeat(offsetOf(offsetValue, taken === 0, recent), match)
    if (i === count - 1) break
    literalState = nextState(tables.literals, literalState, stream)
    matchState = nextState(tables.matches, matchState, stream)
    offsetState = nextState(tables.offsets, offsetState, stream)
  }
  if (stream.left !== 0) throw malformed('sequences with bits left over')
  output.append(literals, at, literals.length)
}

function nextState(table: FseTable, state: number, stream: BackwardBits): number {
  return (table.bases[state] ?? 0) + stream.read(table.bits[state] ?? 0)
}

function lengthOf(lengths: Lengths, code: number, stream: BackwardBits): number {
  return (lengths.bases[code] ?? 0) + stream.read(lengths.bits[code] ?? 0)
}

/** RFC 8878 3.1.1.5: values up to 3 name an earlier offset, shifted by one when no literals come first. */
function offsetOf(value: number, isBare: boolean, recent: [number, number, number]): number {
  const [first, second, third] = recent
  const which = value > 3 ? 4 : value + (isBare ? 1 : 0)
  if (which === 1) return first
  if (which === 2) {
    recent[0] = second
    recent[1] = first
    return second
  }
  const offset = value > 3 ? value - 3 : which === 3 ? third : first - 1
  recent[0] = offset
  recent[1] = first
  recent[2] = second
  return offset
}

function lengths(first: number, bits: readonly number[]): Lengths {
  let base = first
  const bases = bits.map((width) => {
    base += 2 ** width
    return base - 2 ** width
  })
  return { bits: Uint8Array.from(bits), bases: Uint32Array.from(bases) }
}

function times(count: number, value: number): number[] {
  return new Array<number>(count).fill(value)
}
