/** A type as cel-js states it on a checked node. */
export interface CelType {
  readonly kind: string
  readonly name: string
  readonly keyType?: CelType
  readonly hasDynType: boolean
  readonly wrappedType: CelType
}

/** A node of a cel-js syntax tree, with the members that cel-js sets but does not declare. */
export interface SyntaxNode {
  readonly op: string
  args: unknown
  /** Where the operation itself is: for a selection the member's name. */
  readonly pos: number
  readonly start: number
  readonly end: number
  readonly meta: { readonly alternate?: SyntaxNode; readonly macro?: Macro }
  readonly checkedType?: CelType
  readonly left?: SyntaxNode
  readonly right?: SyntaxNode
  readonly leftStaticType?: CelType
  readonly rightStaticType?: CelType
  readonly candidates?: Candidates
  /** What runs the node once its operands are there; set by cel-js when it checks types. */
  handle?: unknown
}

/** A macro that is run, not expanded: `has`. */
export interface Macro {
  macroHasProps?: readonly SyntaxNode[]
  evaluate: (evaluator: Evaluator, macro: Macro, context: unknown) => unknown
}

/** An expanded `all`, `exists`, `exists_one`, `map` or `filter`. */
export interface Comprehension {
  readonly iterable: SyntaxNode
  readonly iterVarName: string
  readonly init: SyntaxNode
  readonly step: SyntaxNode
}

/** The overloads an operator or function may run. */
export interface Candidates {
  findBinaryOverload(left: CelType, right: CelType): { handler: (...args: unknown[]) => unknown } | false
  findFunction(
    args: readonly CelType[],
    receiver?: CelType,
  ): { handler: (this: Evaluator, ...args: unknown[]) => unknown } | null
}

/** The part of the cel-js evaluator that handlers are given. */
export interface Evaluator {
  run(node: SyntaxNode, context: unknown): unknown
  /** Type of a value, not of what is in it. */
  debugType(value: unknown): CelType & { fieldLazy(value: unknown, key: unknown, node: unknown, ev: unknown): unknown }
  createError(code: string, message: string, node: unknown): Error
}

/** Operators with two operands that are both always evaluated. */
export const binaryOperators: ReadonlySet<string> = new Set([
  '==',
  '!=',
  '<',
  '<=',
  '>',
  '>=',
  'in',
  '+',
  '-',
  '*',
  '/',
  '%',
])

/** The operands of a node as written, in order; for an expanded macro those of its comprehension. */
export function operands(node: SyntaxNode): readonly SyntaxNode[] {
  const loop = comprehensionOf(node)
  if (loop !== null) return [loop.iterable, loop.init, loop.step]
  if (node.meta.alternate !== undefined) return [node.meta.alternate]
  const { args } = node
  switch (node.op) {
    case 'call':
      return (args as [string, SyntaxNode[]])[1]
    case 'rcall': {
      const [, receiver, rest] = args as [string, SyntaxNode, SyntaxNode[]]
      return [receiver, ...rest]
    }
    case '.':
      return [(args as [SyntaxNode, string])[0]]
    case '!_':
    case '-_':
    case 'accuPush':
      return [args as SyntaxNode]
    case 'map':
      return (args as [SyntaxNode, SyntaxNode][]).flat()
    case 'value':
    case 'id':
    case 'accuValue':
    case 'accuInc':
      return []
    default:
      return args as SyntaxNode[]
  }
}

/** The loop a node stands for; null when it is none. */
export function comprehensionOf(node: SyntaxNode): Comprehension | null {
  const { alternate } = node.meta
  return alternate?.op === 'comprehension' ? (alternate.args as Comprehension) : null
}

/** Calls `visit` for the node and everything below it; `loops` = comprehensions it is inside of. */
export function walk(node: SyntaxNode, visit: (node: SyntaxNode, loops: number) => void, loops = 0): void {
  visit(node, loops)
  const loop = comprehensionOf(node)
  if (loop === null) {
    for (const each of operands(node)) walk(each, visit, loops)
    return
  }
  walk(loop.iterable, visit, loops)
  walk(loop.init, visit, loops)
  walk(loop.step, visit, loops + 1)
}

/** The value of a literal; undefined when the node is none. */
export function literalOf(node: SyntaxNode | undefined): unknown {
  return node?.op === 'value' ? node.args : undefined
}

/** `http.path` for a node that selects a member of a variable, else null. */
export function pathOf(node: SyntaxNode): string | null {
  if (node.op !== '.') return null
  const [target, member] = node.args as [SyntaxNode, string]
  return target.op === 'id' ? `${target.args as string}.${member}` : null
}
