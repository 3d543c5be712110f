import type { BlockSize, Column } from './block.ts'
import { readBlock } from './block-packet.ts'
import { type ByteSource, malformed, type Reading } from './byte-source.ts'
import { type ClientHello, readClientHello } from './hello.ts'
import { type Held, PacketDecoder, type Packets, passing } from './packet-decoder.ts'
import { longestStatement, type Query, readQuery, skipRest } from './query.ts'
import { queryPacket } from './query-packet.ts'
import { newestRevision, oldestRevision, since } from './revisions.ts'

/** What a client sends. */
export type ClientPacket = Held &
  (
    | { readonly kind: 'hello'; readonly hello: ClientHello }
    /** What follows the two Hellos; it has no packet code. */
    | { readonly kind: 'addendum'; readonly quotaKey: string }
    /** It goes on where its text is longer than `longestStatement`. */
    | { readonly kind: 'query'; readonly query: Query }
    /** A block for a table, or with an empty name for what is inserted into; it always goes on. */
    | { readonly kind: 'data' | 'scalar'; readonly table: string; readonly block: BlockSize }
    | { readonly kind: 'cancel' }
    | { readonly kind: 'ping' }
    | { readonly kind: 'tablesStatus'; readonly tables: readonly { database: string; table: string }[] }
  )

/**
 * Splits what a client sends into packets. After its Hello it waits for `begin`.
 * What it gives out for the server is what was read, not what came: queries are written anew, and their blocks are
 * always compressed. A server that fails in the middle of either must not find packets in the rest of it.
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
  for (let isCompressed = false; ; ) {
    const code = yield* source.varint()
    switch (code) {
      case 1: {
        const query = yield* readQuery(source, revision)
        isCompressed = query.isCompressed
        const goesOn = query.textBytes > longestStatement
        source.take()
        yield { kind: 'query', query, held: queryPacket(query, revision), goesOn }
        if (!goesOn) break
        yield* passing(source, skipRest(source, revision, query))
        yield 'end'
        break
      }
      case 2:
      case 7: {
        const table = yield* source.text(longestName, 'the name of a table')
        const kind = code === 2 ? 'data' : 'scalar'
        const form = {
          revision,
          isFramed: isCompressed,
          passedOn: 'in safe frames',
          isVerified: true,
          note: session.note,
        } as const
        yield* readBlock(source, form, (block, held) => ({ kind, table, block, held, goesOn: true }))
        break
      }
      case 3:
        yield { kind: 'cancel', held: source.take(), goesOn: false }
        break
      case 4:
        yield { kind: 'ping', held: source.take(), goesOn: false }
        break
      case 5: {
        const tables = yield* readTables(source)
        yield { kind: 'tablesStatus', tables, held: source.take(), goesOn: false }
        break
      }
      default:
        throw malformed(`packet ${code} of a client is not one that is understood`)
    }
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
