import { type BlockSize, type Column, readBlockSize, skipColumns } from './block.ts'
import { ByteSource, malformed, type Reading } from './byte-source.ts'
import { readFrame } from './frame.ts'
import { passing } from './packet-decoder.ts'

/** How a block is written. */
export interface BlockForm {
  readonly revision: number
  readonly isCompressed: boolean
  /** Whether the checksums of compressed frames are verified. */
  readonly isVerified: boolean
  readonly note: (column: Column) => void
}

/**
 * Reads a block, and lets its bytes pass.
 * @param packet what is given out once it is known how large the block is
 * @throws ClawError CP_PROTOCOL where a block does not end with a frame: what is left would be taken for the next one's
 */
export function* readBlock<P>(
  source: ByteSource,
  form: BlockForm,
  packet: (block: BlockSize) => P,
): Generator<'more' | 'pass' | 'end' | P, void, undefined> {
  const { revision, note } = form
  if (form.isCompressed) {
    const plain = new ByteSource()
    const block = yield* decompressing(source, plain, form, readBlockSize(plain))
    yield packet(block)
    yield* decompressing(source, plain, form, skipColumns(plain, revision, block, note))
    if (plain.advance()) throw malformed('a block ends inside a compressed frame')
  } else {
    const block = yield* readBlockSize(source)
    yield packet(block)
    yield* passing(skipColumns(source, revision, block, note))
  }
  yield 'end'
}

/** Reads from what is in frames; each frame may pass once it was read whole. */
function* decompressing<T>(
  source: ByteSource,
  plain: ByteSource,
  { isVerified }: BlockForm,
  reading: Reading<T>,
): Generator<'more' | 'pass', T, undefined> {
  for (;;) {
    const step = reading.next()
    if (step.done === true) return step.value
    if (plain.advance()) continue
    plain.take()
    plain.push(yield* readFrame(source, isVerified))
    plain.advance()
    yield 'pass'
  }
}
