import type { BlockSize, Column } from './block.ts'
import { passBlock, readBlockStart } from './block-packet.ts'
import { type ByteSource, malformed, type Reading } from './byte-source.ts'
import { readException, type ServerException } from './exception.ts'
import { readServerHello, type ServerHello } from './hello.ts'
import { type Held, PacketDecoder, type Packets, passing } from './packet-decoder.ts'
import { newestRevision, oldestRevision, since } from './revisions.ts'

/** What a server counts while it runs a statement; each time what was added since the last. */
export interface Progress {
  readonly readRows: number
  readonly readBytes: number
  readonly writtenRows: number
  readonly writtenBytes: number
}

/** Packets with a block; those of logs and profile events are beside the result. */
export type BlockKind = 'data' | 'totals' | 'extremes' | 'log' | 'profileEvents'

/** What a server sends. */
export type ServerPacket = Held &
  (
    | { readonly kind: 'hello'; readonly hello: ServerHello }
    | { readonly kind: BlockKind; readonly table: string; readonly block: BlockSize }
    /** Ends a statement that failed. */
    | { readonly kind: 'exception'; readonly exception: ServerException }
    | { readonly kind: 'progress'; readonly progress: Progress }
    | { readonly kind: 'pong' }
    /** Ends a statement. */
    | { readonly kind: 'endOfStream' }
    | { readonly kind: 'profileInfo'; readonly rows: number; readonly bytes: number }
    | { readonly kind: 'tablesStatus' }
    | { readonly kind: 'tableColumns' }
    | { readonly kind: 'partUuids' }
    | { readonly kind: 'readTaskRequest' }
    | { readonly kind: 'timezoneUpdate'; readonly timezone: string }
  )

/**
 * Splits what a server sends into packets: first its Hello or an exception.
 * @see clickhouse.com/docs/native-protocol/server
 */
export class ServerDecoder extends PacketDecoder<ServerPacket> {
  readonly #session: Session

  /**
   * @param told revision the server was told, not over `newestRevision`
   * @param note told each column of a block before its bytes are passed on; it may throw
   */
  constructor(told: number, note: (kind: BlockKind, column: Column) => void = () => {}) {
    const session: Session = { told, isFramed: false, isCompressed: false, note }
    super((source) => packets(source, session))
    this.#session = session
  }

  /**
   * Tells how the blocks of the results that come next are written.
   * @param isFramed whether the server compresses them: what the query that was sent says
   * @param isCompressed whether the agent wants them so; where it does not, they are passed on out of their frames
   */
  expect(isFramed: boolean, isCompressed: boolean): void {
    this.#session.isFramed = isFramed
    this.#session.isCompressed = isCompressed
  }
}

interface Session {
  readonly told: number
  isFramed: boolean
  isCompressed: boolean
  readonly note: (kind: BlockKind, column: Column) => void
}

const longestName = 65536
const longestColumns = 16 << 20
const mostTables = 10_000
const mostUuids = 2 ** 24
const blockKinds: { readonly [code: number]: BlockKind } = {
  1: 'data',
  7: 'totals',
  8: 'extremes',
  10: 'log',
  14: 'profileEvents',
}

function* packets(source: ByteSource, session: Session): Packets<ServerPacket> {
  const revision = yield* greeting(source, session.told)
  for (;;) {
    const code = yield* source.varint()
    const kind = blockKinds[code]
    if (kind !== undefined) {
      const table = yield* source.text(longestName, 'the name of a table')
      const form = {
        revision,
        isFramed: session.isFramed && kind !== 'log' && kind !== 'profileEvents',
        passedOn: session.isCompressed ? 'as it comes' : 'out of frames',
        // the agent verifies those it gets; others are read as they are
        isVerified: !session.isCompressed,
        note: (column: Column) => session.note(kind, column),
      } as const
      const head = source.take()
      const start = yield* readBlockStart(source, form)
      yield { kind, table, block: start.size, held: Buffer.concat([head, start.bytes]), goesOn: true }
      yield* passBlock(source, form, start)
    } else if (code === 11) {
      // its columns may be as many as a table has
      yield { kind: 'tableColumns', held: source.take(), goesOn: true }
      yield* passing(source, skipTableColumns(source))
      yield 'end'
    } else if (code === 12) {
      yield { kind: 'partUuids', held: source.take(), goesOn: true }
      yield* passing(source, skipUuids(source))
      yield 'end'
    } else {
      const packet = yield* readShort(source, code, revision)
      yield { ...packet, held: source.take(), goesOn: false }
    }
  }
}

/** What comes before anything else; the revision of what follows. */
function* greeting(source: ByteSource, told: number): Generator<'more' | ServerPacket, number, undefined> {
  for (;;) {
    const code = yield* source.varint()
    if (code === 2) {
      const exception = yield* readException(source)
      yield { kind: 'exception', exception, held: source.take(), goesOn: false }
      continue
    }
    if (code !== 0) throw malformed(`a server begins with packet ${code}, not with a Hello`)
    const hello = yield* readServerHello(source, told)
    const revision = Math.min(told, hello.revision)
    if (revision < oldestRevision || revision > newestRevision)
      throw malformed(`revision ${revision} is not one that is understood`)
    yield { kind: 'hello', hello, held: source.take(), goesOn: false }
    return revision
  }
}

type WithoutHeld<P> = P extends Held ? Omit<P, keyof Held> : never

/** Packets that are held whole. */
function* readShort(source: ByteSource, code: number, revision: number): Reading<WithoutHeld<ServerPacket>> {
  switch (code) {
    case 2:
      return { kind: 'exception', exception: yield* readException(source) }
    case 3:
      return { kind: 'progress', progress: yield* readProgress(source, revision) }
    case 4:
      return { kind: 'pong' }
    case 5:
      return { kind: 'endOfStream' }
    case 6:
      return { kind: 'profileInfo', ...(yield* readProfileInfo(source, revision)) }
    case 9:
      yield* skipTablesStatus(source, revision)
      return { kind: 'tablesStatus' }
    case 13:
      return { kind: 'readTaskRequest' }
    case 17:
      return { kind: 'timezoneUpdate', timezone: yield* source.text(longestName, 'the time zone') }
    default:
      throw malformed(`packet ${code} of a server is not one that is understood`)
  }
}

function* readProgress(source: ByteSource, revision: number): Reading<Progress> {
  const readRows = yield* source.counter()
  const readBytes = yield* source.counter()
  yield* source.counter()
  if (revision >= since.totalBytesInProgress) yield* source.counter()
  const hasWritten = revision >= since.writtenRows
  const writtenRows = hasWritten ? yield* source.counter() : 0
  const writtenBytes = hasWritten ? yield* source.counter() : 0
  if (revision >= since.elapsedInProgress) yield* source.counter()
  return { readRows, readBytes, writtenRows, writtenBytes }
}

function* readProfileInfo(source: ByteSource, revision: number): Reading<{ rows: number; bytes: number }> {
  const rows = yield* source.counter()
  yield* source.counter()
  const bytes = yield* source.counter()
  yield* source.byte()
  yield* source.counter()
  yield* source.byte()
  if (revision >= since.rowsBeforeAggregation) {
    yield* source.byte()
    yield* source.counter()
  }
  return { rows, bytes }
}

function* skipTablesStatus(source: ByteSource, revision: number): Reading<void> {
  const count = yield* source.varintUpTo(mostTables, 'the number of tables')
  for (let index = 0; index < count; index += 1) {
    yield* source.prefixed(longestName, 'the name of a database')
    yield* source.prefixed(longestName, 'the name of a table')
    if ((yield* source.byte()) === 0) continue
    yield* source.counter()
    if (revision >= since.readOnlyInTablesStatus) yield* source.counter()
  }
}

function* skipTableColumns(source: ByteSource): Reading<void> {
  yield* source.skip(yield* source.varintUpTo(longestName, 'the name of a table'))
  yield* source.skip(yield* source.varintUpTo(longestColumns, 'the columns of a table'))
}

function* skipUuids(source: ByteSource): Reading<void> {
  yield* source.skip(16 * (yield* source.varintUpTo(mostUuids, 'the number of parts')))
}
