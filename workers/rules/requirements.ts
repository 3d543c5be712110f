import type { FactSpec } from '../contract/plugin.ts'
import type { Dialect } from './dialect.ts'
import { countersIn } from './rates.ts'
import { literalOf, pathOf, type SyntaxNode } from './syntax.ts'

/** A test of one fact against a text that an index can look up. */
export interface Key {
  /** Path of the fact, or `credential`. */
  readonly fact: string
  /** is: equals the text; starts, ends: as a string; has: the text is a key of the map or in the list. */
  readonly test: 'is' | 'starts' | 'ends' | 'has'
  readonly text: string
}

/** Keys of which at least one must hold: when none does, and the facts can be read, the condition is false. */
export type Requirement = readonly Key[]

const mostAlternatives = 8
const mostKeys = 1000

/**
 * Requirements of a parsed and folded condition, each sufficient alone to rule it out; none when nothing is known.
 * Holds also when other parts of the condition are unknown or in error: `false && error` is false.
 */
export function requirementsOf(node: SyntaxNode, dialect: Dialect): readonly Requirement[] {
  if (node.meta.alternate !== undefined) return []
  switch (node.op) {
    case 'value':
      return node.args === false ? [[]] : []
    case '&&':
    case '||':
    case '==':
    case 'in':
      return binary(node, dialect)
    case 'rcall':
      return textTest(node, dialect)
    case 'call':
      return presence(node, dialect)
    default:
      return []
  }
}

function binary(node: SyntaxNode, dialect: Dialect): readonly Requirement[] {
  const [left, right] = node.args as [SyntaxNode, SyntaxNode]
  switch (node.op) {
    case '&&':
      // a counter that was read counts the action: what comes after it cannot stand for not having read it
      if (countersIn(left).size > 0) return requirementsOf(left, dialect)
      return [...requirementsOf(left, dialect), ...requirementsOf(right, dialect)].slice(0, mostAlternatives)
    case '||':
      return eitherOf(requirementsOf(left, dialect), requirementsOf(right, dialect))
    case '==':
      return [...equality(left, right, dialect), ...equality(right, left, dialect)]
    default:
      return membership(left, right, dialect)
  }
}

function eitherOf(left: readonly Requirement[], right: readonly Requirement[]): readonly Requirement[] {
  return left
    .flatMap((one) => right.map((other) => [...one, ...other]))
    .filter((keys) => keys.length <= mostKeys)
    .slice(0, mostAlternatives)
}

function equality(fact: SyntaxNode, other: SyntaxNode, dialect: Dialect): readonly Requirement[] {
  const literal = literalOf(other)
  const type = factType(fact, dialect)
  const fits = (type === 'string' && typeof literal === 'string') || (type === 'int' && typeof literal === 'bigint')
  return fits ? [[{ fact: pathOf(fact) ?? '', test: 'is', text: String(literal) }]] : []
}

function membership(left: SyntaxNode, right: SyntaxNode, dialect: Dialect): readonly Requirement[] {
  if (right.op === 'list') {
    const each = (right.args as SyntaxNode[]).map((item) => equality(left, item, dialect)[0])
    // `x in []` has no keys, but it is not false when x is unknown
    return each.length > 0 && each.every((keys) => keys !== undefined) ? [each.flat()] : []
  }
  const literal = literalOf(left)
  const type = factType(right, dialect)
  if (typeof literal !== 'string' || type === undefined || !/^(list|map)</.test(type)) return []
  return [[{ fact: pathOf(right) ?? '', test: 'has', text: literal }]]
}

function textTest(node: SyntaxNode, dialect: Dialect): readonly Requirement[] {
  const [name, receiver, args] = node.args as [string, SyntaxNode, SyntaxNode[]]
  const literal = literalOf(args[0])
  if (args.length !== 1 || typeof literal !== 'string' || factType(receiver, dialect) !== 'string') return []
  const fact = pathOf(receiver) ?? ''
  if (name === 'endsWith') return literal === '' ? [] : [[{ fact, test: 'ends', text: literal }]]
  const start = name === 'startsWith' ? literal : name === '__matches' ? literalStart(literal) : ''
  return start === '' ? [] : [[{ fact, test: 'starts', text: start }]]
}

/** Text every match of an anchored pattern starts with; empty when that cannot be told easily. */
function literalStart(pattern: string): string {
  if (pattern.includes('|') || pattern.includes('(?')) return ''
  const [, run = '', next = ''] = /^\^((?:[A-Za-z0-9_/:@,;=&~-]|\\[./-])*)(.?)/s.exec(pattern) ?? []
  const text = run.replaceAll('\\', '')
  // what follows may make the last character optional
  return /[*?{]/.test(next) ? text.slice(0, -1) : text
}

/** `has(http.headers.X)`: false when the map has no such key. */
function presence(node: SyntaxNode, dialect: Dialect): readonly Requirement[] {
  const [name, [argument]] = node.args as [string, SyntaxNode[]]
  if (name !== 'has' || argument?.op !== '.') return []
  const [map, text] = argument.args as [SyntaxNode, string]
  if (factType(map, dialect)?.startsWith('map<') !== true) return []
  return [[{ fact: pathOf(map) ?? '', test: 'has', text }]]
}

function factType(node: SyntaxNode, dialect: Dialect): FactSpec['type'] | undefined {
  const path = pathOf(node)
  return path === null ? undefined : dialect.facts.get(path)?.spec.type
}
