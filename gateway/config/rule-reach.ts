import { serialize } from 'cel-js'
import type { Family } from '../../workers/contract/plugin.ts'
import type { Rule } from '../../workers/contract/profile.ts'
import { dialectOf } from '../../workers/rules/dialect.ts'
import { parseCondition } from '../../workers/rules/parse.ts'
import { literalOf, type SyntaxNode } from '../../workers/rules/syntax.ts'
import { operandsOf } from './operator-chain.ts'

/**
 * What a condition asks for: all of these, each met by any one of its texts. Equal texts ask the same, so a condition
 * with more of them, or fewer ways to meet one, is narrower.
 */
export type Demands = readonly ReadonlySet<string>[]

/** Takes the condition of a rule apart; one without asks for nothing. */
export function demandsOf({ when }: Pick<Rule, 'when'>, families: readonly Family[]): Demands {
  if (when === null || when.trim() === 'true') return []
  const { tree } = parseCondition(when, dialectOf(families))
  return operandsOf(tree, '&&').map((part) => new Set(operandsOf(part, '||').flatMap(waysOf)))
}

/** Whether everything the narrow condition matches is matched by the wide one, as far as their texts tell. */
export function isWithin(narrow: Demands, wide: Demands): boolean {
  return wide.every((want) => narrow.some((have) => isSubset(have, want)))
}

function isSubset(have: ReadonlySet<string>, want: ReadonlySet<string>): boolean {
  if (have.size > want.size) return false
  for (const each of have) if (!want.has(each)) return false
  return true
}

/** `x in ['a', 'b']` is met in two ways: x == 'a', x == 'b'. */
function waysOf(node: SyntaxNode): string[] {
  const [left, right] = node.op === 'in' || node.op === '==' ? (node.args as [SyntaxNode, SyntaxNode]) : []
  if (left === undefined || right === undefined) return [textOf(node)]
  if (node.op === '==') return [literalOf(left) === undefined ? is(left, right) : is(right, left)]
  if (right.op !== 'list') return [textOf(node)]
  const items = right.args as SyntaxNode[]
  const isPlain = items.length > 0 && items.every((item) => typeof literalOf(item) === 'string')
  return isPlain ? items.map((item) => is(left, item)) : [textOf(node)]
}

function is(fact: SyntaxNode, value: SyntaxNode): string {
  return `${textOf(fact)} == ${textOf(value)}`
}

function textOf(node: SyntaxNode): string {
  return serialize(node as unknown as Parameters<typeof serialize>[0])
}
