import { ByteSink } from './byte-sink.ts'
import { type ByteSource, malformed, type Reading } from './byte-source.ts'

/** An error as a server says it. */
export interface ServerException {
  readonly code: number
  readonly name: string
  readonly message: string
  readonly stack: string
  /** What it was caused by, from the next to the last; old servers send it. */
  readonly causes: readonly Omit<ServerException, 'causes'>[]
}

const longestMessage = 1 << 20
const mostCauses = 16

/** Reads an Exception after its packet code. */
export function* readException(source: ByteSource): Reading<ServerException> {
  const causes: Omit<ServerException, 'causes'>[] = []
  for (;;) {
    causes.push({
      code: (yield* source.fixed(4)).readInt32LE(),
      name: yield* source.text(longestMessage, 'the name of an error'),
      message: yield* source.text(longestMessage, 'the message of an error'),
      stack: yield* source.text(longestMessage, 'the stack trace of an error'),
    })
    if ((yield* source.byte()) === 0) break
    if (causes.length > mostCauses) throw malformed(`an error has more than ${mostCauses} causes`)
  }
  const [first, ...others] = causes
  if (first === undefined) throw malformed('an error without a code')
  return { ...first, causes: others }
}

/** An Exception with its packet code. */
export function exceptionPacket(code: number, message: string): Buffer {
  return new ByteSink()
    .varint(2)
    .int32(code)
    .text('DB::Exception')
    .text(`DB::Exception: ${message}`)
    .text('')
    .byte(0)
    .whole()
}
