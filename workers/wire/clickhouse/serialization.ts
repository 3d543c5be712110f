import { type ByteSource, malformed, type Reading } from './byte-source.ts'
import type { Layout } from './layout.ts'

/** How a column is written: by rows, or only the rows that are not the default; for a tuple, how each element is. */
export type Serialization = 'default' | 'sparse' | readonly Serialization[]

/** Reads how a column is written, before its values. */
export function* readSerialization(source: ByteSource, layout: () => Layout): Reading<Serialization> {
  const isCustom = yield* source.byte()
  if (isCustom > 1) throw malformed('a column is written neither as usual nor not')
  return isCustom === 1 ? yield* readKinds(source, layout()) : 'default'
}

function* readKinds(source: ByteSource, layout: Layout): Reading<Serialization> {
  const kind = yield* source.byte()
  const isLeaf = layout.kind === 'fixed' || layout.kind === 'string'
  if (kind > 1 || (kind === 1 && !isLeaf)) throw malformed('how a column is written is not known')
  if (layout.kind !== 'tuple') return kind === 1 ? 'sparse' : 'default'
  const kinds: Serialization[] = []
  for (const element of layout.of) kinds.push(yield* readKinds(source, element))
  return kinds
}
