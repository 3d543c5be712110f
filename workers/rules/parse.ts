import type { RateCounter } from '../contract/verdict.ts'
import type { Dialect } from './dialect.ts'
import type { Variables } from './facts.ts'
import { renamed } from './functions.ts'
import { countersIn } from './rates.ts'
import { pathOf, type SyntaxNode, walk } from './syntax.ts'

/** A condition that has been parsed and rewritten, but whose types have not been checked. */
export interface Parsed {
  readonly tree: SyntaxNode
  /** Facts it may read, by path. */
  readonly reads: ReadonlySet<string>
  /** Counters it names, by key. */
  readonly rates: ReadonlyMap<string, RateCounter>
  /** Checks the types of the tree. */
  readonly check: () => { readonly type: string } | { readonly error: unknown }
  /** Runs the checked tree. */
  readonly run: (variables: Variables) => unknown
}

const longestSource = 65_536

/**
 * Parses a condition, renames the functions that are ours, and folds literals compared with folded facts.
 * @throws what cel-js throws for text that does not parse; RangeError when it is nested beyond the stack
 */
export function parseCondition(source: string, dialect: Dialect): Parsed {
  if (source.length > longestSource) throw new RangeError('the condition is too long')
  const parsed = dialect.environment.parse(source)
  const tree = parsed.ast as unknown as SyntaxNode
  const reads = new Set<string>()
  walk(tree, (node) => {
    rename(node)
    fold(node, dialect)
    noteReads(node, dialect, reads)
  })
  return {
    tree,
    reads,
    rates: countersIn(tree),
    check: () => {
      const result = parsed.check()
      return result.valid ? { type: result.type ?? 'dyn' } : { error: result.error }
    },
    run: parsed,
  }
}

function rename(node: SyntaxNode): void {
  if (node.op !== 'call' && node.op !== 'rcall') return
  const args = node.args as [string, ...unknown[]]
  args[0] = renamed.get(args[0]) ?? args[0]
}

function fold(node: SyntaxNode, dialect: Dialect): void {
  if (node.op === '==' || node.op === '!=') {
    const [left, right] = node.args as [SyntaxNode, SyntaxNode]
    if (isFolded(left, dialect)) lower(right)
    if (isFolded(right, dialect)) lower(left)
  } else if (node.op === 'in') {
    const [left, right] = node.args as [SyntaxNode, SyntaxNode]
    if (isFolded(left, dialect) && right.op === 'list') (right.args as SyntaxNode[]).forEach(lower)
  } else if (node.op === 'rcall') {
    const [name, receiver, args] = node.args as [string, SyntaxNode, SyntaxNode[]]
    if (/^(startsWith|endsWith|contains)$/.test(name) && isFolded(receiver, dialect)) args.forEach(lower)
  }
}

function isFolded(node: SyntaxNode, { facts }: Dialect): boolean {
  const path = pathOf(node)
  return path !== null && facts.get(path)?.spec.folded === true
}

function lower(node: SyntaxNode): void {
  if (node.op === 'value' && typeof node.args === 'string') node.args = node.args.toLowerCase()
}

function noteReads(node: SyntaxNode, dialect: Dialect, reads: Set<string>): void {
  const path = pathOf(node)
  if (path !== null && dialect.facts.has(path)) reads.add(path)
  // the variable itself, not one of its members: it may be handed on, so any member may be read
  if (node.op !== 'id' || !isFamily(node.args, dialect) || selected.has(node)) {
    if (node.op === '.') selected.add((node.args as [SyntaxNode, string])[0])
    return
  }
  for (const fact of dialect.facts.keys()) if (fact.startsWith(`${String(node.args)}.`)) reads.add(fact)
}

/** Nodes a member is selected from; `walk` comes to the selection first. */
const selected = new WeakSet<SyntaxNode>()

/** Whether a name is the variable of a family. */
export function isFamily(name: unknown, { families }: Dialect): boolean {
  return families.some((family) => family.name === name)
}
