import { spend } from './budget.ts'
import { payCall, payError, payLoop, payOperator } from './costs.ts'
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
    if (node.meta.alternate?.op === 'comprehension') payForLoop(node.meta.alternate)
    if (binaryOperators.has(node.op)) {
      const isOpen = isDynamic(node.left) || isDynamic(node.right)
      if (isOpen) node.handle = binary
      else if (!isCheap(node)) node.handle = paid(node.handle as Handle)
    } else if (node.op === 'call' || (node.op === 'rcall' && node.meta.alternate === undefined)) {
      hardenCall(node)
    }
    if (binaryOperators.has(node.op) || ['.', '[]', 'call', 'rcall'].includes(node.op)) payForErrors(node)
  })
}

/** Errors are caught by `||` and `&&`, and the rest goes on. */
function payForErrors(node: SyntaxNode): void {
  const run = node.handle
  if (typeof run !== 'function') return
  node.handle = (...args: unknown[]) => {
    // once the time is used up nothing more is begun
    spend(0)
    if (node.op === '[]') refuseKey(args[1])
    try {
      return run(...args)
    } catch (error) {
      payError()
      throw error
    }
  }
}

/** cel-js would write a list out to say that it is no key. */
function refuseKey(key: unknown): void {
  if (typeof key === 'string') spend(2 * key.length)
  else if (typeof key === 'object' && key !== null && typeof key.valueOf() === 'object') {
    payError()
    throw new Error('a list or a map is no key')
  }
}

type Handle = (left: unknown, right: unknown, node: SyntaxNode, evaluator: Evaluator) => unknown

function isDynamic(node: SyntaxNode | undefined): boolean {
  return node?.checkedType?.hasDynType === true
}

/** Comparing numbers and the like, or a text with a literal: it takes no time that grows. */
function isCheap({ op, left, right }: SyntaxNode): boolean {
  if (op === 'in') return false
  const types = [left?.checkedType?.kind, right?.checkedType?.kind]
  return types.every((kind) => kind === 'primitive') && op !== '+' && [left, right].some((node) => node?.op === 'value')
}

function payForLoop(node: SyntaxNode): void {
  type Run = (items: unknown, args: Comprehension, evaluator: Evaluator, context: unknown) => unknown
  const run = node.handle as Run
  let bodyNodes = 0
  walk((node.args as Comprehension).step, () => {
    bodyNodes += 1
  })
  node.handle = ((items, args, evaluator, context) => {
    payLoop(items, bodyNodes)
    return run(items, args, evaluator, context)
  }) satisfies Run
}

function paid(handle: Handle): Handle {
  return (left, right, node, evaluator) => {
    payOperator(node.op, left, right)
    return handle(left, right, node, evaluator)
  }
}

const binary: Handle = (left, right, node, evaluator) => {
  payOperator(node.op, left, right)
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
  payCall(name, args)
  const found = node.candidates?.findFunction(types, receiver)
  if (found) return found.handler.apply(evaluator, [...args])
  throw evaluator.createError('no_matching_overload', `no overload of ${name} takes these values`, node)
}

type Run = (values: unknown[], ...more: unknown[]) => unknown

function hardenCall(node: SyntaxNode): void {
  const isMethod = node.op === 'rcall'
  const [name, ...rest] = node.args as [string, ...unknown[]]
  const args = isMethod ? [rest[0] as SyntaxNode, ...(rest[1] as SyntaxNode[])] : (rest[0] as SyntaxNode[])
  const counter = counterOf(node)
  if (counter !== null && typeof counter !== 'string') {
    node.handle = () => readRate(counter)
    return
  }
  const pattern = name === '__matches' ? literalOf(args.at(-1)) : undefined
  const open = (isMethod ? method : call) as Run
  if (typeof pattern === 'string') {
    const compiled = compilePattern(pattern)
    node.handle = ((values, ...more) =>
      typeof values[0] === 'string' ? occurs(compiled, values[0]) : open(values, ...more)) satisfies Run
    return
  }
  if (args.some(isDynamic)) {
    node.handle = open
    return
  }
  const run = node.handle as Run
  node.handle = ((values, ...more) => {
    payCall(name, values)
    return run(values, ...more)
  }) satisfies Run
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
