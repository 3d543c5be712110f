import type { Dialect } from './dialect.ts'
import { renamed } from './functions.ts'
import { compilePattern } from './regex.ts'
import { comprehensionOf, literalOf, pathOf, type SyntaxNode, walk } from './syntax.ts'

/** What is wrong with a place of a condition; offsets count UTF-16 units. */
export interface Mistake {
  readonly message: string
  readonly start: number
  readonly end: number
}

/** A condition that has been parsed and rewritten, but whose types have not been checked. */
export interface Parsed {
  readonly tree: SyntaxNode
  readonly mistakes: readonly Mistake[]
  /** Facts it may read, by path. */
  readonly reads: ReadonlySet<string>
  /** Checks the types of the tree. */
  readonly check: () => { readonly type: string } | { readonly error: unknown }
  /** Runs the checked tree. */
  readonly run: (variables: { readonly [name: string]: object }) => unknown
}

const longestSource = 65_536
const deepestLoops = 2

/**
 * Parses a condition, renames the functions that are ours, folds literals compared with folded facts, and notes what
 * can be seen without types.
 * @throws what cel-js throws for text that does not parse; RangeError when it is nested beyond the stack
 */
export function parseCondition(source: string, dialect: Dialect): Parsed {
  if (source.length > longestSource) throw new RangeError('the condition is too long')
  const parsed = dialect.environment.parse(source)
  const tree = parsed.ast as unknown as SyntaxNode
  const mistakes: Mistake[] = []
  const reads = new Set<string>()
  walk(tree, (node, loops) => {
    rename(node)
    fold(node, dialect)
    noteReads(node, dialect, reads)
    for (const message of mistakesOf(node, loops, dialect)) mistakes.push({ message, start: node.start, end: node.end })
  })
  return {
    tree,
    mistakes,
    reads,
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

function isFamily(name: unknown, { families }: Dialect): boolean {
  return families.some((family) => family.name === name)
}

function* mistakesOf(node: SyntaxNode, loops: number, dialect: Dialect): Iterable<string> {
  const loop = comprehensionOf(node)
  if (loop !== null) {
    if (loops >= deepestLoops) yield `all, exists, map and filter can be nested ${deepestLoops} deep at most`
    if (dialect.environment.hasVariable(loop.iterVarName)) {
      yield `the iteration variable hides ${loop.iterVarName}: give it another name`
    }
  }
  if (node.op === '[]') {
    const [target] = node.args as [SyntaxNode, SyntaxNode]
    if (target.op === 'id' && isFamily(target.args, dialect)) yield `write ${String(target.args)}.NAME, not an index`
  }
  if (node.op !== 'rcall' && node.op !== 'call') return
  const [name, ...rest] = node.args as [string, ...unknown[]]
  const target = rest[0] as SyntaxNode
  if (name === 'bind' && node.op === 'rcall' && target.op === 'id' && target.args === 'cel') {
    yield 'cel.bind is not part of this language'
  }
  const pattern = name === '__matches' ? literalOf((rest.at(-1) as SyntaxNode[]).at(-1)) : undefined
  if (typeof pattern === 'string') yield* patternMistakes(pattern)
}

function* patternMistakes(pattern: string): Iterable<string> {
  try {
    compilePattern(pattern)
  } catch (error) {
    yield `bad regular expression: ${(error as Error).message.replace(/^error parsing regexp: /, '')}`
  }
}
