import { serialize } from 'cel-js'
import type { Dialect } from './dialect.ts'
import { compileCondition, evaluate, type Truth } from './evaluate.ts'
import type { FactView } from './facts.ts'
import { parseCondition } from './parse.ts'
import { rateKey } from './rates.ts'
import { type SyntaxNode, walk } from './syntax.ts'

/** One operand of the outermost `&&` of a condition, and what it says of an action. */
export interface ConditionPart {
  /** As it is written. */
  readonly text: string
  readonly truth: Truth
  /** What it reads, in words. */
  readonly reads: readonly string[]
}

/** What conditions are tried on: the facts of an action, and what `rate()` finds by `rateKey`. */
export interface Ground {
  readonly facts: FactView
  readonly counts: ReadonlyMap<string, number>
}

/** Takes a condition apart at its outermost `&&`; one that cannot be is a single part. */
export function conditionParts(source: string, dialect: Dialect, ground: Ground): readonly ConditionPart[] {
  return partsOf(source, dialect).map((text) => {
    return { text, truth: truthOf(text, dialect, ground), reads: readsOf(text, dialect, ground) }
  })
}

function partsOf(source: string, dialect: Dialect): readonly string[] {
  const whole = [source.trim()]
  try {
    const nodes = conjuncts(dialect.environment.parse(source).ast as unknown as SyntaxNode)
    return nodes.length === 1 ? whole : nodes.map((node) => textOf(node, source, dialect))
  } catch {
    return whole
  }
}

function conjuncts(node: SyntaxNode): readonly SyntaxNode[] {
  return node.op === '&&' ? (node.args as SyntaxNode[]).flatMap(conjuncts) : [node]
}

/** Most brackets that may be missing at the end of what a node says it covers. */
const mostMissing = 8

/** As it is written: cel-js leaves brackets at the end of a negation out of its node. */
function textOf(node: SyntaxNode, source: string, dialect: Dialect): string {
  const written = source.slice(node.start, node.end)
  for (let missing = 0; missing <= mostMissing; missing += 1) {
    const text = `${written}${')'.repeat(missing)}`
    if (isCondition(text, dialect)) return text
  }
  return serialize(node as unknown as Parameters<typeof serialize>[0])
}

function isCondition(text: string, dialect: Dialect): boolean {
  try {
    dialect.environment.parse(text)
    return true
  } catch {
    return false
  }
}

function truthOf(text: string, dialect: Dialect, { facts }: Ground): Truth {
  try {
    return evaluate(compileCondition(text, dialect), facts)
  } catch {
    return 'evaluation error'
  }
}

function readsOf(text: string, dialect: Dialect, { facts, counts }: Ground): readonly string[] {
  try {
    const { tree, reads, rates } = parseCondition(text, dialect)
    const variables = new Set<string>()
    walk(tree, ({ op, args }) => {
      if (op === 'id' && typeof args === 'string' && isContext(args)) variables.add(args)
    })
    return [
      ...[...reads].map((path) => `${path} ${inWords(facts.peek(path))}`),
      ...[...variables].map((name) => `${name} ${inWords(facts.variables[name])}`),
      ...[...rates.values()].map((counter) => {
        const count = counts.get(rateKey(counter))
        return `rate(${JSON.stringify(counter.name)}) ${count === undefined ? 'was not read' : `is ${count}`}`
      }),
    ]
  } catch {
    return []
  }
}

function isContext(name: string): boolean {
  return name === 'profile' || name === 'device' || name === 'endpoint' || name === 'now'
}

/** Longest text that is quoted whole, characters. */
const longestQuote = 80
/** Elements of a list, and keys of a map, that are told. */
const mostTold = 10

/** Keys of maps are told, values are not: headers may hold what is nobody's business. */
function inWords(value: unknown): string {
  if (value === undefined) return 'is unknown'
  if (typeof value === 'string') {
    return value.length > longestQuote ? `has ${value.length} characters` : `is ${JSON.stringify(value)}`
  }
  if (value instanceof Date) return `is ${value.toISOString()}`
  if (Array.isArray(value)) return `is ${listInWords(value)}`
  if (typeof value !== 'object' || value === null) return `is ${String(value)}`
  const keys = value instanceof Map ? [...value.keys()].map(String) : Object.keys(value)
  return keys.length === 0 ? 'is empty' : `has the keys ${quoted(keys)}`
}

function listInWords(values: readonly unknown[]): string {
  const texts = values.filter((value) => typeof value === 'string')
  return texts.length < values.length ? `a list of ${values.length}` : `[${quoted(texts)}]`
}

function quoted(texts: readonly string[]): string {
  const shown = texts.slice(0, mostTold).map((text) => JSON.stringify(text.slice(0, longestQuote)))
  return `${shown.join(', ')}${texts.length > shown.length ? ', …' : ''}`
}
