import type { SyntaxNode } from '../../workers/rules/syntax.ts'

/** The operands of a chain of `&&` or `||`, whatever its brackets; a node of another kind is its own single one. */
export function operandsOf(node: SyntaxNode, op: string): readonly SyntaxNode[] {
  return node.op === op ? (node.args as SyntaxNode[]).flatMap((each) => operandsOf(each, op)) : [node]
}
