import { type ByteSource, malformed, type Reading } from './byte-source.ts'
import { readColumnType } from './column-type.ts'
import { skipPrefix, skipValues } from './column-values.ts'
import type { Layout } from './layout.ts'
import { since } from './revisions.ts'
import { readSerialization } from './serialization.ts'

/** A column of a block. */
export interface Column {
  readonly name: string
  readonly type: string
}

/** How large a block is. One without columns ends a series of blocks. */
export interface BlockSize {
  readonly columns: number
  readonly rows: number
}

const mostColumns = 65536
const mostRows = 2 ** 40
const longestName = 65536
const longestType = 1 << 20
const mostLayouts = 256

/** Reads how large a block is, at its beginning. */
export function* readBlockSize(source: ByteSource): Reading<BlockSize> {
  yield* skipInfo(source)
  const columns = yield* source.varintUpTo(mostColumns, 'the number of columns')
  const rows = yield* source.varintUpTo(mostRows, 'the number of rows')
  if (columns === 0 && rows > 0) throw malformed('a block has rows and no columns')
  return { columns, rows }
}

/**
 * Passes over the columns of a block, to its exact end, in constant memory.
 * @param note told each column before its values are passed over; it may throw
 * @throws ClawError CP_PROTOCOL for a type whose values cannot be told from what follows them
 */
export function* skipColumns(
  source: ByteSource,
  revision: number,
  { columns, rows }: BlockSize,
  note: (column: Column) => void,
): Reading<void> {
  for (let index = 0; index < columns; index += 1) {
    const name = yield* source.text(longestName, 'the name of a column')
    const type = yield* source.text(longestType, 'the type of a column')
    note({ name, type })
    const serialization =
      revision >= since.customSerialization ? yield* readSerialization(source, () => layoutOf(type)) : 'default'
    // of a block that only names its columns any type will do
    if (rows === 0) continue
    const layout = layoutOf(type)
    yield* skipPrefix(source, layout)
    yield* skipValues(source, layout, serialization, rows)
  }
}

function* skipInfo(source: ByteSource): Reading<void> {
  for (let last = 0; ; ) {
    const field = yield* source.varint()
    if (field === 0) return
    if (field <= last || field > 2) throw malformed('a block has an unknown field')
    yield* source.skip(field === 1 ? 1 : 4)
    last = field
  }
}

const layouts = new Map<string, Layout>()

/** The layout of a type; a thread reads the same few types over and over. */
function layoutOf(type: string): Layout {
  const known = layouts.get(type)
  if (known !== undefined) return known
  const layout = readColumnType(type)
  if (type.length > 256) return layout
  if (layouts.size === mostLayouts) layouts.clear()
  layouts.set(type, layout)
  return layout
}
