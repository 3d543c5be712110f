import { type BlockSize, type Column, readBlockSize, skipColumns } from './block.ts'
import { ByteSource, malformed, type Reading } from './byte-source.ts'
import { readFrame } from './frame.ts'
import { framed, reframed } from './safe-frame.ts'

/** How a block comes, and how it is passed on. */
export interface BlockForm {
  readonly revision: number
  /** Whether it comes in compressed frames. */
  readonly isFramed: boolean
  /** A server gets it in frames that it takes for no packet. */
  readonly passedOn: 'as it comes' | 'in safe frames' | 'out of frames'
  /** Whether the checksums of frames are verified. */
  readonly isVerified: boolean
  readonly note: (column: Column) => void
}

/** The beginning of a block, up to where it is known how large it is. */
export interface BlockStart {
  readonly size: BlockSize
  /** What was read of it, as it is passed on. */
  readonly bytes: Buffer
  /** Where the rest is read from: what the frames hold, or the source itself. */
  readonly plain: ByteSource
}

/** Reads how large a block is; what was read before of the source has to be taken. */
export function* readBlockStart(source: ByteSource, form: BlockForm): Reading<BlockStart> {
  const plain = form.isFramed ? new ByteSource() : source
  const reading = run(source, plain, form, readBlockSize(plain))
  const bytes: Buffer[] = []
  for (;;) {
    const step = reading.next()
    if (step.done === true) return { size: step.value, bytes: Buffer.concat(bytes), plain }
    if (step.value === 'more') yield 'more'
    else bytes.push(step.value)
  }
}

/**
 * Lets the rest of a block pass.
 * @throws ClawError CP_PROTOCOL where a block does not end with a frame: what is left would be taken for the next one's
 */
export function* passBlock(
  source: ByteSource,
  form: BlockForm,
  { size, plain }: BlockStart,
): Generator<'more' | 'end' | Buffer, void, undefined> {
  yield* run(source, plain, form, skipColumns(plain, form.revision, size, form.note))
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
    if (form.passedOn === 'in safe frames') yield reframed(frame, content)
    else yield form.passedOn === 'as it comes' ? frame : content
  }
}
