import { type Effects, newEffects } from './effects.ts'
import { asNode, kindOf, type Node } from './node.ts'
import type { Source } from './source.ts'

/** What is being gathered while a tree is walked. */
export interface Walk {
  readonly effects: Effects
  /** Relations that the statement around them writes; every other one is read. */
  readonly targets: WeakSet<object>
  readonly source: Source
  /** Parts of the tree that are not to be walked: they were dealt with, or name nothing. */
  readonly done: WeakSet<object>
  /** The statement's own text. */
  readonly text: string
}

/** Notes what a node does. */
export type Note = (node: Node, walk: Walk) => void

/**
 * Walks a parse tree of any depth, parents first.
 * @param noteOf what to do for a node: by the kind that wraps it, which the tree leaves out where a member can be of one
 * kind only; and by the member of its parent it stands under
 */
export function walkTree(
  root: unknown,
  walk: Walk,
  noteOf: (kind: string | null, node: Node, key: string) => Note | null,
) {
  const left: { readonly value: unknown; readonly key: string }[] = [{ value: root, key: '' }]
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    if (Array.isArray(next.value)) {
      for (const value of next.value) left.push({ value, key: next.key })
      continue
    }
    const outer = asNode(next.value)
    if (outer === null) continue
    const kind = kindOf(outer)
    const node = kind === null ? outer : (asNode(outer[kind]) ?? outer)
    noteOf(kind, node, next.key)?.(node, walk)
    for (const key in node) {
      const value = node[key]
      if (typeof value !== 'object' || value === null || walk.done.has(value)) continue
      left.push({ value, key })
    }
  }
}

/** A walk that gathers into effects of its own. */
export function newWalk(source: Source, text: string): Walk {
  return { effects: newEffects(), targets: new WeakSet(), done: new WeakSet(), source, text }
}
