import { type BlockSize, type Column, readBlockSize, skipColumns } from './block.ts'
import { ByteSource, malformed, type Reading } from './byte-source.ts'
import { readFrame } from './frame.ts'
import { framed, reframed } from './safe-frame.ts'

/** How a block comes, and how it is passed on. */
export interface BlockForm {
  readonly revision: number
  /** Whether it comes in compressed frames. */
  readonly isFramed: boolean
  /** Where it is for: a server gets it in frames that it takes for no packet, an agent as it asked for. */
  readonly passedOn: 'in safe frames' | 'as it comes' | 'out of frames'
  /** Whether the checksums of frames are verified. */
  readonly isVerified: boolean
  readonly note: (column: Column) => void
}

/**
 * Reads a block, and lets its bytes pass.
 * @param packet what is given out, with the first of the bytes, once it is known how large the block is
 * @throws ClawError CP_PROTOCOL where a block does not end with a frame: what is left would be taken for the next one's
 */
export function* readBlock<P>(
  source: ByteSource,
  form: BlockForm,
  packet: (block: BlockSize, held: Buffer) => P,
): Generator<'more' | 'end' | Buffer | P, void, undefined> {
  const head = source.take()
  // what is not in frames is read where it comes
  const plain = form.isFramed ? new ByteSource() : source
  const size = run(source, plain, form, readBlockSize(plain))
  const held = [head]
  let step = size.next()
  for (; step.done !== true; step = size.next()) {
    if (step.value === 'more') yield 'more'
    else held.push(step.value)
  }
  yield packet(step.value, Buffer.concat(held))
  yield* run(source, plain, form, skipColumns(plain, form.revision, step.value, form.note))
  if (form.isFramed && plain.advance()) throw malformed('a block ends inside a compressed frame')
  yield 'end'
}

/** Reads on, and gives out the bytes that may pass. */
function* run<T>(
  source: ByteSource,
  plain: ByteSource,
  form: BlockForm,
  reading: Reading<T>,
): Generator<'more' | Buffer, T, undefined> {
  for (;;) {
    const step = reading.next()
    if (plain === source) {
      const bytes = source.take()
      if (bytes.length > 0) yield form.passedOn === 'in safe frames' ? framed(bytes) : bytes
      if (step.done === true) return step.value
      yield 'more'
      continue
    }
    if (step.done === true) return step.value
    if (plain.advance()) continue
    plain.take()
    const content = yield* readFrame(source, form.isVerified)
    plain.push(content)
    plain.advance()
    const frame = source.take()
    yield form.passedOn === 'out of frames'
      ? content
      : form.passedOn === 'as it comes'
        ? frame
        : reframed(frame, content)
  }
}
