import type { Family } from '../contract/plugin.ts'
import { type Dialect, dialectOf } from './dialect.ts'
import { type Mistake, type Parsed, parseCondition } from './parse.ts'
import { type SyntaxNode, walk } from './syntax.ts'

/** What is wrong with a condition; offsets count UTF-16 units, line and column from 1. */
export interface ConditionProblem extends Mistake {
  readonly line: number
  readonly column: number
}

/** Finds what is wrong with a condition over these families; empty = it will compile. */
export function checkCondition(source: string, families: readonly Family[]): readonly ConditionProblem[] {
  const dialect = dialectOf(families)
  try {
    return mistakesIn(parseCondition(source, dialect), source, dialect).map((mistake) => placed(mistake, source))
  } catch (error) {
    return [placed(mistakeOf(error, source, dialect), source)]
  }
}

/** Checks the types of what has been parsed; afterwards, when nothing is wrong, it can run. */
export function mistakesIn(parsed: Parsed, source: string, dialect: Dialect): readonly Mistake[] {
  const result = parsed.check()
  if ('error' in result) return [...parsed.mistakes, mistakeOf(result.error, source, dialect)]
  const whole = { start: 0, end: source.length }
  const found = [...parsed.mistakes, ...indexMistakes(parsed.tree)]
  if (result.type === 'bool') return found
  const hint = result.type === 'dyn' ? ': compare it with something' : ''
  return [...found, { message: `the condition is ${article(result.type)}, not a bool${hint}`, ...whole }]
}

function article(type: string): string {
  return type === 'dyn' ? 'a value of unknown type' : /^[aeio]/.test(type) ? `an ${type}` : `a ${type}`
}

/** cel-js lets any type index a map; a key of another type is never there. */
function indexMistakes(tree: SyntaxNode): Mistake[] {
  const found: Mistake[] = []
  walk(tree, (node) => {
    if (node.op !== '[]') return
    const key = node.left?.checkedType?.kind === 'map' ? node.left.checkedType.keyType : undefined
    const given = node.right?.checkedType
    if (key === undefined || given === undefined || key.kind === 'dyn' || given.kind === 'dyn') return
    if (key.kind === 'param' || key.name === given.name) return
    const message = `the keys of this map are ${key.name}, not ${given.name}`
    found.push({ message, start: node.right?.start ?? node.start, end: node.right?.end ?? node.end })
  })
  return found
}

/** Puts what cel-js says into our words. */
function mistakeOf(error: unknown, source: string, dialect: Dialect): Mistake {
  const { code, summary, range } = error as { code?: string; summary?: string; range?: { start: number; end: number } }
  const start = Math.min(range?.start ?? 0, source.length)
  const place = { start, end: Math.max(start, Math.min(range?.end ?? source.length, source.length)) }
  if (error instanceof RangeError || code === 'limit_exceeded') {
    return { message: 'the condition is too deep or too long', ...place }
  }
  if (typeof summary !== 'string') return { message: error instanceof Error ? error.message : String(error), ...place }
  return { message: inWords(code, summary, source.slice(place.start, place.end), dialect), ...place }
}

function inWords(code: string | undefined, summary: string, text: string, { families }: Dialect): string {
  const names = families.map(({ name }) => name).join(' and ')
  if (code === 'unknown_variable') return `${summary.replace('Unknown', 'unknown')}; rules here read ${names}`
  if (code === 'no_such_key') {
    const family = families.find(({ name }) => text.startsWith(`${name}.`))
    const member = summary.replace('No such key: ', '')
    if (family !== undefined) return `${family.name} has no field ${member}; it has ${factNames(family)}`
  }
  const plain = summary.replaceAll('__', '')
  return plain.charAt(0).toLowerCase() + plain.slice(1)
}

function factNames({ facts }: Family): string {
  return facts.map(({ name }) => name).join(', ')
}

function placed(mistake: Mistake, source: string): ConditionProblem {
  const before = source.slice(0, mistake.start)
  const lineStart = before.lastIndexOf('\n') + 1
  return { ...mistake, line: before.split('\n').length, column: mistake.start - lineStart + 1 }
}
