import { type ByteSource, malformed, type Reading } from './byte-source.ts'
import type { Layout } from './layout.ts'
import type { Serialization } from './serialization.ts'

const mostValues = 2 ** 40

/** Passes over what comes before a column's values. */
export function* skipPrefix(source: ByteSource, layout: Layout): Reading<void> {
  switch (layout.kind) {
    case 'fixed':
    case 'string':
      return
    case 'nullable':
    case 'array':
      return yield* skipPrefix(source, layout.of)
    case 'tuple':
      for (const element of layout.of) yield* skipPrefix(source, element)
      return
    case 'dictionary':
      if ((yield* readCount(source)) !== 1) throw malformed('a dictionary is of an unknown version')
      return
    default:
      layout satisfies never
  }
}

/** Passes over so many values of a column. */
export function* skipValues(
  source: ByteSource,
  layout: Layout,
  serialization: Serialization,
  count: number,
): Reading<void> {
  if (serialization === 'sparse') {
    const written = yield* countSparse(source, count)
    return yield* skipValues(source, layout, 'default', written)
  }
  if (count === 0) return
  switch (layout.kind) {
    case 'fixed':
      return yield* source.skip(count * layout.width)
    case 'string':
      return yield* skipStrings(source, count)
    case 'nullable':
      yield* source.skip(count)
      return yield* skipValues(source, layout.of, 'default', count)
    case 'array': {
      // of each array, where it ends among all their values
      yield* source.skip((count - 1) * 8)
      return yield* skipValues(source, layout.of, 'default', yield* readCount(source))
    }
    case 'tuple':
      for (const [index, element] of layout.of.entries()) {
        const kind = typeof serialization === 'string' ? serialization : (serialization[index] ?? 'default')
        yield* skipValues(source, element, kind, count)
      }
      return
    case 'dictionary':
      return yield* skipDictionary(source, layout.of, count)
    default:
      layout satisfies never
  }
}

/** Most time of a scan goes here: nothing is called while a text and its length are in the chunk. */
function* skipStrings(source: ByteSource, count: number): Reading<void> {
  let { bytes, at } = source
  for (let left = count; left > 0; left -= 1) {
    const length = bytes[at]
    if (length !== undefined && length < 0x80 && at + 1 + length <= bytes.length) {
      at += 1 + length
      continue
    }
    source.at = at
    yield* source.skip(yield* source.varint())
    bytes = source.bytes
    at = source.at
  }
  source.at = at
}

function* skipDictionary(source: ByteSource, of: Layout, count: number): Reading<void> {
  const kind = yield* readCount(source)
  // keys of its own, none shared between blocks
  if ((kind & ~0x403) !== 0x200 || kind > 0x603) throw malformed('a dictionary is of an unknown kind')
  yield* skipValues(source, of, 'default', yield* readCount(source))
  if ((yield* readCount(source)) !== count) throw malformed('a dictionary is not for the rows it is in')
  yield* source.skip(count * 2 ** (kind & 3))
}

/** Passes over which values of a sparse column are not the default, and counts them. */
function* countSparse(source: ByteSource, rows: number): Reading<number> {
  let row = 0
  for (let written = 0; ; written += 1) {
    let defaults = 0
    let isLast = false
    for (let shift = 1, place = 0; ; shift *= 128, place += 1) {
      const byte = yield* source.byte()
      // bit 62 ends the list
      isLast = place === 8
      if (isLast && byte !== 0x40) throw malformed('a sparse column does not end')
      if (isLast) break
      defaults += (byte & 0x7f) * shift
      if (byte < 0x80) break
    }
    row += defaults + (isLast ? 0 : 1)
    if (row > rows || (isLast && row !== rows)) throw malformed('a sparse column is not of the rows it is in')
    if (isLast) return written
  }
}

function* readCount(source: ByteSource): Reading<number> {
  const bytes = yield* source.fixed(8)
  const count = bytes.readUInt32LE(0) + bytes.readUInt32LE(4) * 2 ** 32
  if (count > mostValues) throw malformed('a column has more values than any server takes')
  return count
}
