import type { BlockSize, Column } from './block.ts'
import { type BlockForm, type BlockStart, passBlock, readBlockStart } from './block-packet.ts'
import { ByteSink } from './byte-sink.ts'
import { type ByteSource, malformed, type Reading } from './byte-source.ts'
import { type ClientHello, readClientHello } from './hello.ts'
import { type Held, PacketDecoder, type Packets, passing } from './packet-decoder.ts'
import { longestStatement, type Query, readQuery, skipRest } from './query.ts'
import { queryPacket } from './query-packet.ts'
import { newestRevision, oldestRevision, since } from './revisions.ts'
import { framed } from './safe-frame.ts'
import { separator } from './separator.ts'

/** What a client sends. */
export type ClientPacket = Held &
  (
    | { readonly kind: 'hello'; readonly hello: ClientHello }
    /** What follows the two Hellos; it has no packet code. */
    | { readonly kind: 'addendum'; readonly quotaKey: string }
    /**
     * It goes on where its text is longer than `longestStatement`.
     * `isFramed`: server and gateway exchange blocks in frames, also where the client wants none: see `ServerDecoder`.
     */
    | { readonly kind: 'query'; readonly query: Query; readonly isFramed: boolean }
    /** A block for a table, or with an empty name for what is inserted into; it always goes on. */
    | { readonly kind: 'data' | 'scalar'; readonly table: string; readonly block: BlockSize }
    | { readonly kind: 'cancel' }
    | { readonly kind: 'ping' }
    | { readonly kind: 'tablesStatus'; readonly tables: readonly { database: string; table: string }[] }
  )

/**
 * Splits what a client sends into packets. After its Hello it waits for `begin`.
 * What it gives out for the server is what was read, not what came: queries are written anew, and what is in their
 * blocks is in frames. A server that fails in the middle of either must not find packets in the rest of it.
 * A query that is not compressed is given out with what follows it, which clients send at once.
 * @see clickhouse.com/docs/native-protocol/client
 */
export class ClientDecoder extends PacketDecoder<ClientPacket> {
  readonly #session: Session

  constructor() {
    const session: Session = { revision: null, note: () => {} }
    super((source) => packets(source, session))
    this.#session = session
  }

  /**
   * Goes on after the Hello.
   * @param revision the smaller of the two sides', and not over `newestRevision`
   * @param note told each column of a block before its bytes are passed on; it may throw
   */
  begin(revision: number, note: (column: Column) => void = () => {}): void {
    if (revision < oldestRevision || revision > newestRevision)
      throw malformed(`revision ${revision} is not one that is understood`)
    this.#session.revision = revision
    this.#session.note = note
  }
}

interface Session {
  revision: number | null
  note: (column: Column) => void
}

const longestName = 65536
const mostTables = 10_000

/** What a packet begins with. */
interface Head {
  readonly code: number
  readonly block: { readonly table: string; readonly head: Buffer; readonly start: BlockStart } | null
}

function* packets(source: ByteSource, session: Session): Packets<ClientPacket> {
  if ((yield* source.varint()) !== 0) throw malformed('a client does not begin with a Hello')
  const hello = yield* readClientHello(source)
  yield { kind: 'hello', hello, held: source.take(), goesOn: false }
  while (session.revision === null) yield 'wait'
  const { revision } = session
  if (revision >= since.addendum) {
    const quotaKey = yield* source.text(longestName, 'the quota key')
    yield { kind: 'addendum', quotaKey, held: source.take(), goesOn: false }
  }
  const form = (isFramed: boolean, passedOn: BlockForm['passedOn']): BlockForm => {
    return { revision, isFramed, passedOn, isVerified: true, note: session.note }
  }
  const none = form(false, 'as it comes')
  let blocks = none
  /** Whether the block comes that says that none will, where blocks are left as they are. */
  let mayEnd = false
  for (let ahead: Head | null = null; ; ) {
    const { code, block }: Head = ahead ?? (yield* readHead(source, blocks))
    ahead = null
    if (block !== null) {
      const { table, head, start } = block
      const kind = code === 2 ? 'data' : 'scalar'
      if (blocks === none && !mayEnd) throw malformed('data comes where none was to be expected')
      mayEnd = false
      const before = blocks === none ? [] : separator(head.length - 2, revision)
      yield { kind, table, block: start.size, held: Buffer.concat([...before, head, start.bytes]), goesOn: true }
      yield* passBlock(source, blocks, start)
    } else if (code === 1) {
      const query = yield* readQuery(source, revision)
      source.take()
      const goesOn = query.textBytes > longestStatement
      // a block follows each query: where nothing is in it, and nothing is to come, the server may leave them as they are
      if (!goesOn && !query.isCompressed && !mayInsert(query)) ahead = yield* readHead(source, none)
      const isFramed = ahead === null || (ahead.block !== null && !isEnd(ahead.block))
      mayEnd = ahead !== null && ahead.block !== null
      blocks = isFramed ? form(query.isCompressed, 'in safe frames') : none
      if (isFramed && ahead !== null) ahead = inFrames(ahead)
      yield { kind: 'query', query, isFramed, held: queryPacket(query, revision, isFramed), goesOn }
      if (!goesOn) continue
      yield* passing(source, skipRest(source, revision, query))
      yield 'end'
    } else yield yield* readShort(source, code, revision)
  }
}

function* readHead(source: ByteSource, form: BlockForm): Reading<Head> {
  const code = yield* source.varint()
  if (code !== 2 && code !== 7) return { code, block: null }
  const name = Buffer.from(yield* source.prefixed(longestName, 'the name of a table'))
  source.take()
  const head = new ByteSink().varint(code).text(name).whole()
  return { code, block: { table: name.toString(), head, start: yield* readBlockStart(source, form) } }
}

function isEnd({ table, start }: NonNullable<Head['block']>): boolean {
  return table === '' && start.size.columns === 0
}

function inFrames({ code, block }: Head): Head {
  if (block === null) return { code, block }
  return { code, block: { ...block, start: { ...block.start, bytes: framed(block.start.bytes) } } }
}

/** Whether a statement may be one that rows are sent for; where it looks as if not, none are taken. */
function mayInsert({ text }: Query): boolean {
  return /insert/i.test(text.toString('latin1'))
}

/** Packets that are held whole. */
function* readShort(source: ByteSource, code: number, revision: number): Reading<ClientPacket> {
  switch (code) {
    case 3:
      return { kind: 'cancel', held: source.take(), goesOn: false }
    case 4:
      return { kind: 'ping', held: source.take(), goesOn: false }
    case 5: {
      // a server that is asked at an older one goes on reading in the names
      if (revision < since.tablesStatus) throw malformed(`tables are asked for, which revision ${revision} has not`)
      const tables = yield* readTables(source)
      return { kind: 'tablesStatus', tables, held: source.take(), goesOn: false }
    }
    default:
      throw malformed(`packet ${code} of a client is not one that is understood`)
  }
}

function* readTables(source: ByteSource): Reading<readonly { database: string; table: string }[]> {
  const count = yield* source.varintUpTo(mostTables, 'the number of tables')
  const tables: { database: string; table: string }[] = []
  for (let bytes = 0; tables.length < count; ) {
    const database = yield* source.text(longestName, 'the name of a database')
    const table = yield* source.text(longestName, 'the name of a table')
    bytes += database.length + table.length
    if (bytes > 1 << 20) throw malformed('the names of the tables are too long')
    tables.push({ database, table })
  }
  return tables
}
