import { hideAll, include } from './effects.ts'
import { type Piece, pieces } from './pieces.ts'
import { includePrepared, nestedSource } from './source.ts'
import type { Walk } from './walk.ts'

/** Adds what a SQL text does that runs inside a statement; hides everything when it is not known or not understood. */
export function readNestedText(text: string | null, walk: Walk): void {
  const source = text === null ? null : nestedSource(walk.source, text)
  const parts: readonly Piece[] | null = text === null || source === null ? null : pieces(text, source.parser)
  if (source === null || parts === null) {
    hideAll(walk.effects)
    return
  }
  for (const part of parts) {
    if (part.tree === null) hideAll(walk.effects)
    else include(walk.effects, source.read(part.tree, part.text, source))
  }
  includePrepared(walk.source, source)
}
