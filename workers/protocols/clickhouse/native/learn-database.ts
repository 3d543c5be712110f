import { readBlockSize } from '../../../wire/clickhouse/block.ts'
import { ByteSink } from '../../../wire/clickhouse/byte-sink.ts'
import { ByteSource, type Reading } from '../../../wire/clickhouse/byte-source.ts'
import { queryPacket } from '../../../wire/clickhouse/query-packet.ts'
import { since } from '../../../wire/clickhouse/revisions.ts'

const text = Buffer.from('SELECT currentDatabase()')
const longest = 65536

/** What asks a server which database a session has that named none; the gateway asks, not the agent. */
export function databaseQuestion(revision: number): Buffer {
  const nobody = { kind: 'none', initialUser: '', interface: 'none', clientName: '', quotaKey: '' } as const
  const query = {
    id: '',
    info: { ...nobody, bytes: Buffer.from([0]) },
    settings: [],
    secret: Buffer.alloc(0),
    stage: 2,
  }
  const asked = { ...query, isCompressed: false, text, textBytes: text.length, parameters: [] }
  const packet = queryPacket(asked, revision, false)
  const noBlock = new ByteSink().varint(1).byte(0).varint(2).int32(-1).varint(0).varint(0).varint(0).whole()
  return Buffer.concat([packet, new ByteSink().varint(2).text('').raw(noBlock).whole()])
}

/** The name in the answer, a Data packet; null: it has no row, or is something else. */
export function databaseAnswered(packet: Buffer, revision: number): string | null {
  const source = new ByteSource()
  source.push(packet)
  source.advance()
  try {
    const step = read(source, revision).next()
    return step.done === true ? step.value : null
  } catch {
    return null
  }
}

function* read(source: ByteSource, revision: number): Reading<string | null> {
  yield* source.varint()
  yield* source.text(longest, 'the name of a table')
  const { columns, rows } = yield* readBlockSize(source)
  if (columns !== 1 || rows !== 1) return null
  yield* source.text(longest, 'the name of a column')
  if ((yield* source.text(longest, 'the type of a column')) !== 'String') return null
  if (revision >= since.customSerialization && (yield* source.byte()) !== 0) return null
  return yield* source.text(longest, 'the name of a database')
}
