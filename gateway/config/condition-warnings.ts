import type { Family } from '../../workers/contract/plugin.ts'
import { dialectOf } from '../../workers/rules/dialect.ts'
import { parseCondition } from '../../workers/rules/parse.ts'
import { literalOf, pathOf, type SyntaxNode, walk } from '../../workers/rules/syntax.ts'
import { operandsOf } from './operator-chain.ts'
import { unguardedReads } from './param-guards.ts'
import { didYouMean } from './suggest.ts'
import { neverWord } from './words-of-facts.ts'

/** Something in a condition that can hardly be meant; offsets count UTF-16 units. */
export interface ConditionWarning {
  readonly message: string
  readonly hint?: string | undefined
  readonly start: number
  readonly end: number
}

/** Blocks that conditions may ask for by name. */
export interface DeclaredNames {
  readonly profile: ReadonlyMap<string, unknown>
  readonly endpoint: ReadonlyMap<string, unknown>
}

/**
 * Finds tests that are never true, or always: the rule around them then decides nothing, or everything, without a word.
 * @param source a condition without mistakes
 * @param declared what `profile` and `endpoint` can be
 */
export function warningsOf(
  source: string,
  families: readonly Family[],
  declared: DeclaredNames,
): readonly ConditionWarning[] {
  // most conditions are not parsed again
  if (!mayBeWrong.test(source)) return []
  const { tree } = parseCondition(source, dialectOf(families))
  const found: ConditionWarning[] = unguardedReads(tree).map(({ map, name, ...place }) => ({
    message: `reads ${shownKey(map, name)}: ${map === 'k8s.params' ? 'calls' : 'statements'} without it cannot be judged and are denied`,
    hint: `ask first: '${name}' in ${map} && …`,
    ...place,
  }))
  if (literalOf(tree) === false)
    found.push({ message: 'is never true: the rule decides nothing', hint: 'write disabled = true', ...placeOf(tree) })
  const inner = new Set<SyntaxNode>()
  walk(tree, (node) => {
    if ((node.op === '&&' || node.op === '||') && !inner.has(node)) {
      for (const each of node.args as SyntaxNode[]) if (each.op === node.op) markChain(each, inner)
      found.push(...clashes(node))
    }
    for (const { path, word, at } of comparisons(node)) {
      const wrong = neverWord(path, word) ?? neverName(path, word, declared)
      if (wrong !== null) found.push({ ...wrong, ...placeOf(at) })
    }
    const header = headerKey(node)
    if (header !== null && !found.some(({ message }) => message === header.message)) found.push(header)
  })
  return found
}

function shownKey(map: string, name: string): string {
  return /^\w+$/.test(name) && !/^\d/.test(name) ? `${map}.${name}` : `${map}['${name}']`
}

/** What any of the checks looks for; the common words of methods are none of it. */
const mayBeWrong =
  /params|headers|\b(?:path|host|scheme|profile|endpoint)\s*(?:[!=]=|in\b)|startsWith\(\s*['"][^/]|verbs?\b|functions|resource|^\s*false\s*$|\|\|.*!=|!=.*\|\||==.*==|['"](?!(?:GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS)['"])[a-z]+['"]/is

function markChain(node: SyntaxNode, inner: Set<SyntaxNode>): void {
  inner.add(node)
  for (const each of node.args as SyntaxNode[]) if (each.op === node.op) markChain(each, inner)
}

/** `a == 'x' && a == 'y'` is never true, `a != 'x' || a != 'y'` always. */
function* clashes(chain: SyntaxNode): Iterable<ConditionWarning> {
  const isAnd = chain.op === '&&'
  const first = new Map<string, unknown>()
  for (const part of operandsOf(chain, chain.op)) {
    if (part.op !== (isAnd ? '==' : '!=')) continue
    const test = comparisonOf(part)
    if (test === null) continue
    if (!first.has(test.path)) first.set(test.path, test.word)
    else if (first.get(test.path) !== test.word) {
      const words = [...new Set([first.get(test.path), test.word])].map((word) => `'${String(word)}'`)
      const path = test.path
      yield isAnd
        ? {
            message: `is never true: ${path} cannot be ${words.join(' and ')} at once`,
            hint: `write ${path} in [${words.join(', ')}]`,
            ...placeOf(part),
          }
        : {
            message: `is always true: ${path} is never ${words.join(' and ')} at once`,
            hint: `write !(${path} in [${words.join(', ')}])`,
            ...placeOf(part),
          }
    }
  }
}

interface Comparison {
  readonly path: string
  readonly word: string
  readonly at: SyntaxNode
}

/** `path == 'word'` and `path != 'word'`, either way round. */
function comparisonOf(node: SyntaxNode): Comparison | null {
  if (node.op !== '==' && node.op !== '!=') return null
  const [left, right] = node.args as [SyntaxNode, SyntaxNode]
  for (const [fact, literal] of [
    [left, right],
    [right, left],
  ] as const) {
    const path = factOf(fact)
    const word = literalOf(literal)
    if (path !== null && typeof word === 'string') return { path, word, at: literal }
  }
  return null
}

/** Words that a node compares facts with; `'word' in path` counts as `path[]`. */
function comparisons(node: SyntaxNode): readonly Comparison[] {
  const one = comparisonOf(node)
  if (one !== null) return [one]
  if (node.op === 'rcall') return prefixOf(node)
  if (node.op !== 'in') return []
  const [left, right] = node.args as [SyntaxNode, SyntaxNode]
  const list = pathOf(right)
  const item = literalOf(left)
  if (list !== null) return typeof item === 'string' ? [{ path: `${list}[]`, word: item, at: left }] : []
  const path = factOf(left)
  if (path === null || right.op !== 'list') return []
  return (right.args as SyntaxNode[]).flatMap((at) => {
    const word = literalOf(at)
    return typeof word === 'string' ? [{ path, word, at }] : []
  })
}

/** `http.path.startsWith('v1/')`: a prefix that no path has is a word no path is. */
function prefixOf(node: SyntaxNode): readonly Comparison[] {
  const [name, receiver, [at]] = node.args as [string, SyntaxNode, SyntaxNode[]]
  const word = literalOf(at)
  const isPrefix = name === 'startsWith' && factOf(receiver) === 'http.path'
  return isPrefix && at !== undefined && typeof word === 'string' ? [{ path: 'http.path', word, at }] : []
}

/** A fact, or one of the variables that name a block. */
function factOf(node: SyntaxNode): string | null {
  return node.op === 'id' && (node.args === 'profile' || node.args === 'endpoint') ? node.args : pathOf(node)
}

function neverName(
  path: string,
  word: string,
  declared: DeclaredNames,
): Pick<ConditionWarning, 'message' | 'hint'> | null {
  const names = path === 'profile' || path === 'endpoint' ? declared[path] : null
  if (names === null || names.has(word)) return null
  return { message: `no ${path} is called '${word}'`, hint: didYouMean(word, names.keys()) }
}

/** A header asked for by a name that no key has: look-up is case-sensitive. */
function headerKey(node: SyntaxNode): ConditionWarning | null {
  if (node.op !== 'in' && node.op !== '[]' && node.op !== '.') return null
  const [first, second] = node.args as [SyntaxNode, SyntaxNode | string]
  const [map, key] = node.op === 'in' ? [second, first] : [first, second]
  if (typeof map === 'string' || pathOf(map) !== 'http.headers') return null
  const name = typeof key === 'string' ? key : literalOf(key)
  if (typeof name !== 'string') return null
  const at = typeof key === 'string' ? node : key
  if (/^host$/i.test(name))
    return { message: 'the Host header is not in http.headers', hint: 'write http.host', ...placeOf(at) }
  const canonical = name.toLowerCase().replace(/(^|-)[a-z]/g, (found) => found.toUpperCase())
  if (canonical === name) return null
  return {
    message: `http.headers never has the key '${name}': its keys are written like '${canonical}'`,
    hint: didYouMean(name, [canonical]),
    ...placeOf(at),
  }
}

function placeOf({ start, end }: SyntaxNode): { readonly start: number; readonly end: number } {
  return { start, end }
}
