import { spend } from './budget.ts'
import { counterOf, readRate } from './rates.ts'
import { compilePattern, occurs } from './regex.ts'
import {
  binaryOperators,
  type Comprehension,
  type Evaluator,
  literalOf,
  type Macro,
  type SyntaxNode,
  walk,
} from './syntax.ts'

/**
 * Replaces how a checked tree runs where values from an agent decide what cel-js does.
 * cel-js makes and keeps a type for every shape of value it meets, calls `has()` on a list false, and loops without
 * end in sight: here the type of a list is "list", `has()` on a list is an error, and steps are counted.
 */
export function hardenTree(tree: SyntaxNode): void {
  walk(tree, (node) => {
    if (node.meta.macro?.macroHasProps !== undefined) node.meta.macro.evaluate = has
    if (node.meta.alternate?.op === 'comprehension') countLoop(node.meta.alternate)
    if (binaryOperators.has(node.op)) {
      if (isDynamic(node.left) || isDynamic(node.right)) node.handle = binary
      else if (node.op === 'in') node.handle = counted(node.handle as Handle)
    } else if (node.op === 'call') {
      const counter = counterOf(node)
      const [, args] = node.args as [string, SyntaxNode[]]
      if (counter !== null && typeof counter !== 'string') node.handle = () => readRate(counter)
      else if (args.some(isDynamic)) node.handle = call
    } else if (node.op === 'rcall' && node.meta.alternate === undefined) {
      hardenMethod(node)
    }
  })
}

type Handle = (left: unknown, right: unknown, node: SyntaxNode, evaluator: Evaluator) => unknown

function isDynamic(node: SyntaxNode | undefined): boolean {
  return node?.checkedType?.hasDynType === true
}

function countLoop(node: SyntaxNode): void {
  type Run = (items: unknown, args: Comprehension, evaluator: Evaluator, context: unknown) => unknown
  const run = node.handle as Run
  node.handle = ((items, args, evaluator, context) => {
    spend(1 + lengthOf(items))
    return run(items, args, evaluator, context)
  }) satisfies Run
}

function counted(handle: Handle): Handle {
  return (left, right, node, evaluator) => {
    spend(Array.isArray(right) ? right.length : 1)
    return handle(left, right, node, evaluator)
  }
}

function lengthOf(value: unknown): number {
  if (Array.isArray(value)) return value.length
  if (value instanceof Map || value instanceof Set) return value.size
  return typeof value === 'object' && value !== null ? Object.keys(value).length : 0
}

const binary: Handle = (left, right, node, evaluator) => {
  spend(1 + (Array.isArray(right) ? right.length : 0))
  const leftType = node.leftStaticType ?? evaluator.debugType(left).wrappedType
  const rightType = node.rightStaticType ?? evaluator.debugType(right).wrappedType
  const overload = node.candidates?.findBinaryOverload(leftType, rightType)
  if (overload) return overload.handler(left, right, node, evaluator)
  const message = `no such overload: ${leftType.name} ${node.op} ${rightType.name}`
  throw evaluator.createError('no_such_overload', message, node)
}

function call(args: unknown[], node: SyntaxNode, evaluator: Evaluator): unknown {
  const [name, argNodes] = node.args as [string, SyntaxNode[]]
  return invoke({ name, node, evaluator, args, types: typesOf(args, argNodes, evaluator), receiver: undefined })
}

function method(args: unknown[], evaluator: Evaluator, node: SyntaxNode): unknown {
  const [name, receiverNode, argNodes] = node.args as [string, SyntaxNode, SyntaxNode[]]
  const [receiver, ...types] = typesOf(args, [receiverNode, ...argNodes], evaluator)
  return invoke({ name, node, evaluator, args, types, receiver })
}

type Types = ReturnType<Evaluator['debugType']>[]

function typesOf(values: readonly unknown[], nodes: readonly SyntaxNode[], evaluator: Evaluator): Types {
  return values.map((value, index) => {
    const checked = nodes[index]?.checkedType
    return checked?.hasDynType === false ? (checked as Types[number]) : evaluator.debugType(value)
  })
}

interface Invocation {
  readonly name: string
  readonly node: SyntaxNode
  readonly evaluator: Evaluator
  readonly args: readonly unknown[]
  readonly types: Types
  readonly receiver: Types[number] | undefined
}

function invoke({ name, node, evaluator, args, types, receiver }: Invocation): unknown {
  for (const value of args) spend(typeof value === 'string' ? 1 + (value.length >> 10) : 1)
  const found = node.candidates?.findFunction(types, receiver)
  if (found) return found.handler.apply(evaluator, [...args])
  throw evaluator.createError('no_matching_overload', `no overload of ${name} takes these values`, node)
}

function hardenMethod(node: SyntaxNode): void {
  const [name, receiver, args] = node.args as [string, SyntaxNode, SyntaxNode[]]
  if (isDynamic(receiver) || args.some(isDynamic)) {
    node.handle = method
    return
  }
  const pattern = name === '__matches' ? literalOf(args[0]) : undefined
  if (typeof pattern !== 'string') return
  const compiled = compilePattern(pattern)
  node.handle = (values: readonly unknown[]) => occurs(compiled, values[0] as string)
}

/** `has(a.b.c)`: c may be missing, b may not; on a list it is an error, on a scalar false. */
function has(evaluator: Evaluator, macro: Macro, context: unknown): boolean {
  const nodes = macro.macroHasProps ?? []
  let value = evaluator.run(nodes.at(-1) as SyntaxNode, context)
  for (let at = nodes.length - 2; at >= 0; at -= 1) {
    const node = nodes[at] as SyntaxNode
    const key = (node.args as [SyntaxNode, string])[1]
    if (Array.isArray(value)) throw evaluator.createError('no_such_key', `a list has no member ${key}`, node)
    value = evaluator.debugType(value).fieldLazy(value, key, node, evaluator)
    if (value === undefined && at > 0) throw evaluator.createError('no_such_key', `No such key: ${key}`, node)
  }
  return value !== undefined
}
