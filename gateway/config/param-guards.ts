import { literalOf, pathOf, type SyntaxNode, walk } from '../../workers/rules/syntax.ts'

/** A parameter a condition reads although the action may not have it; offsets count UTF-16 units. */
export interface UnguardedRead {
  /** Fact it is in, e.g. `k8s.params`. */
  readonly map: string
  readonly name: string
  readonly start: number
  readonly end: number
}

/** Maps of parameters, with other facts that have the keys of each. */
const maps: ReadonlyMap<string, readonly string[]> = new Map([
  ['k8s.params', ['k8s.all_params']],
  ['sql.params', []],
])

/**
 * Finds parameters that a condition reads without asking anywhere whether they are there: actions without them make the
 * rule unevaluable, and are denied for that.
 */
export function unguardedReads(tree: SyntaxNode): readonly UnguardedRead[] {
  const asked = new Set<string>()
  const reads: UnguardedRead[] = []
  const tested = new Set<SyntaxNode>()
  walk(tree, (node) => {
    for (const guarded of guardsOf(node, tested)) asked.add(guarded)
    const read = tested.has(node) ? null : readOf(node)
    if (read !== null) reads.push({ ...read, start: node.start, end: node.end })
  })
  return reads.filter((read) => !asked.has(keyOf(read)))
}

type Read = Pick<UnguardedRead, 'map' | 'name'>

function keyOf({ map, name }: Read): string {
  return `${map} ${name}`
}

/** `has(k8s.params.x)` and `'x' in k8s.params` ask for x. */
function guardsOf(node: SyntaxNode, tested: Set<SyntaxNode>): readonly string[] {
  if (node.op === 'in') {
    const [left, right] = node.args as [SyntaxNode, SyntaxNode]
    const name = literalOf(left)
    const path = pathOf(right) ?? ''
    const guarded = [...maps].filter(([map, others]) => map === path || others.includes(path))
    return typeof name === 'string' ? guarded.map(([map]) => keyOf({ map, name })) : []
  }
  if (node.op !== 'call') return []
  const [name, [argument]] = node.args as [string, SyntaxNode[]]
  if (name !== 'has' || argument === undefined) return []
  tested.add(argument)
  const read = readOf(argument)
  return read === null ? [] : [keyOf(read)]
}

function readOf(node: SyntaxNode): Read | null {
  if (node.op !== '.' && node.op !== '[]') return null
  const [target, member] = node.args as [SyntaxNode, string | SyntaxNode]
  const map = pathOf(target)
  if (map === null || !maps.has(map)) return null
  const name = typeof member === 'string' ? member : literalOf(member)
  return typeof name === 'string' ? { map, name } : null
}
