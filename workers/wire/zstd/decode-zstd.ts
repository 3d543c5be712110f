import { readFrameHeader } from './frame-header.ts'
import type { HuffmanTable } from './huffman-table.ts'
import { readLiterals } from './literals.ts'
import { Output } from './output.ts'
import { runSequences, type SequenceState } from './sequences.ts'
import { malformed, ZstdFault, type ZstdProblem } from './zstd-fault.ts'

/** What zstd bytes say, or why that cannot be had. */
export type Unzstd =
  | { readonly kind: 'bytes'; readonly bytes: Buffer }
  | { readonly kind: 'unknown'; readonly problem: ZstdProblem }

/** Longest the thread's other flows wait for bodies, however many of them there are, ms. */
const turnMs = 4
let turns: Promise<void> = Promise.resolve()
const longestBlock = 128 * 1024

/**
 * Decodes zstd: all of it or nothing. Stricter than the reference decoder wherever others read on and guess, since
 * what is judged must be what an upstream reads (fzstd 0.1.1 reads 1 in 400 frames with a bit changed that the reference
 * decoder accepts as other bytes).
 * @param maxBytes longest output; memory is bounded by it, whatever window or size a frame declares
 * @see RFC 8878
 */
export async function decodeZstd(bytes: Buffer, maxBytes: number): Promise<Unzstd> {
  const output = new Output(maxBytes)
  try {
    await nextTurn()
    let since = performance.now()
    for (const _ of decodeFrame(bytes, output)) {
      if (performance.now() - since < turnMs) continue
      await nextTurn()
      since = performance.now()
    }
    return { kind: 'bytes', bytes: output.whole() }
  } catch (error) {
    return { kind: 'unknown', problem: error instanceof ZstdFault ? error.problem : 'malformed' }
  }
}

/** Decodes the begin of zstd, as far as it is there and wanted; null: it is none. */
export async function decodeZstdPrefix(bytes: Buffer, maxBytes: number): Promise<Buffer | null> {
  const output = new Output(maxBytes)
  try {
    await nextTurn()
    for (const _ of decodeFrame(bytes, output)) await nextTurn()
  } catch (error) {
    if (!(error instanceof ZstdFault)) throw error
  }
  return output.length === 0 ? null : output.whole()
}

/**
 * Decodes zstd at once, for what is short enough that other flows may wait for it.
 * null: it is not one frame of exactly so many bytes.
 */
export function decodeZstdBlocks(bytes: Buffer, length: number): Buffer | null {
  const output = new Output(length)
  try {
    for (const _ of decodeFrame(bytes, output));
  } catch (error) {
    if (error instanceof ZstdFault) return null
    throw error
  }
  return output.length === length ? output.whole() : null
}

/** One body at a time, each time round the event loop. */
function nextTurn(): Promise<void> {
  turns = turns.then(() => new Promise((resolve) => setImmediate(resolve)))
  return turns
}

/**
 * Yields after each block. One frame and nothing else: some upstreams read on after the first and some do not,
 * and what is judged must be what they read.
 */
function* decodeFrame(bytes: Buffer, output: Output): Generator<void> {
  const header = readFrameHeader(bytes)
  let at = header.end
  output.start(header.windowSize, header.contentSize)
  const most = Math.min(header.windowSize, longestBlock)
  const frame: Frame = { most, code: null, sequences: { tables: null, recent: [1, 4, 8] } }
  let isLast = false
  while (!isLast) {
    const block = readBlockHeader(bytes, at, most)
    isLast = block.isLast
    at += 3 + block.length
    decodeBlock(block, bytes.subarray(at - block.length, at), frame, output)
    yield
  }
  if (header.contentSize !== null && header.contentSize !== output.length)
    throw malformed('a frame of another size than it says')
  // not verified: an upstream that does so refuses what was judged, any other reads what was judged
  if (header.hasChecksum) at += 4
  if (at !== bytes.length) throw malformed('a frame that ends early, or is not the only one')
}

interface Frame {
  readonly most: number
  code: HuffmanTable | null
  readonly sequences: SequenceState
}

interface Block {
  readonly isLast: boolean
  readonly kind: 'raw' | 'run' | 'compressed'
  /** Bytes it says it has, decoded for a run. */
  readonly size: number
  /** Bytes it takes. */
  readonly length: number
}

function readBlockHeader(bytes: Buffer, at: number, most: number): Block {
  if (at + 3 > bytes.length) throw malformed('a frame that ends early')
  const head = bytes.readUIntLE(at, 3)
  const kind = (['raw', 'run', 'compressed'] as const)[(head >> 1) & 3]
  if (kind === undefined) throw malformed('a block of an unknown kind')
  const size = head >> 3
  const length = kind === 'run' ? 1 : size
  if (size > most || at + 3 + length > bytes.length) throw malformed('a block longer than it may be')
  return { isLast: (head & 1) === 1, kind, size, length }
}

function decodeBlock({ kind, size }: Block, content: Buffer, frame: Frame, output: Output): void {
  output.startBlock(frame.most)
  switch (kind) {
    case 'raw':
      output.append(content, 0, size)
      break
    case 'run':
      output.appendRun(content[0] ?? 0, size)
      break
    case 'compressed': {
      const literals = readLiterals(content, frame.code, frame.most)
      frame.code = literals.table
      runSequences(content.subarray(literals.end), literals.bytes, frame.sequences, output)
      break
    }
    default:
      kind satisfies never
  }
}
