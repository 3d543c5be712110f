import { literalOf, pathOf, type SyntaxNode, walk } from '../../workers/rules/syntax.ts'

/** A parameter a condition reads although the call may not have it; offsets count UTF-16 units. */
export interface UnguardedRead {
  readonly name: string
  readonly start: number
  readonly end: number
}

const map = 'k8s.params'
const guards = new Set([map, 'k8s.all_params'])

/**
 * Finds parameters of Kubernetes calls that a condition reads without asking anywhere whether they are there: calls
 * without them make the rule unevaluable, and are denied for that.
 */
export function unguardedReads(tree: SyntaxNode): readonly UnguardedRead[] {
  const asked = new Set<string>()
  const reads: UnguardedRead[] = []
  const tested = new Set<SyntaxNode>()
  walk(tree, (node) => {
    const guarded = guardOf(node, tested)
    if (guarded !== null) asked.add(guarded)
    const name = tested.has(node) ? null : readOf(node)
    if (name !== null) reads.push({ name, start: node.start, end: node.end })
  })
  return reads.filter(({ name }) => !asked.has(name))
}

/** `has(k8s.params.x)` and `'x' in k8s.params` ask for x. */
function guardOf(node: SyntaxNode, tested: Set<SyntaxNode>): string | null {
  if (node.op === 'in') {
    const [left, right] = node.args as [SyntaxNode, SyntaxNode]
    const key = literalOf(left)
    return typeof key === 'string' && guards.has(pathOf(right) ?? '') ? key : null
  }
  if (node.op !== 'call') return null
  const [name, [argument]] = node.args as [string, SyntaxNode[]]
  if (name !== 'has' || argument === undefined) return null
  tested.add(argument)
  return readOf(argument)
}

function readOf(node: SyntaxNode): string | null {
  if (node.op !== '.' && node.op !== '[]') return null
  const [target, member] = node.args as [SyntaxNode, string | SyntaxNode]
  if (pathOf(target) !== map) return null
  const key = typeof member === 'string' ? member : literalOf(member)
  return typeof key === 'string' ? key : null
}
