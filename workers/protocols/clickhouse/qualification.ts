import type { Cursor } from './cursor.ts'
import { readExpression } from './expression.ts'
import { nextToken, type Token } from './lexer.ts'

/** Reads the `WHERE …` of an UPDATE or DELETE, and notes when it spares no row. */
export function readQualification(cursor: Cursor): void {
  cursor.need('WHERE')
  const { start } = cursor.peek()
  readExpression(cursor)
  if (isMetByAll(tokensBetween(cursor.text, start, cursor.peek().start))) cursor.seen.isUnqualified = true
}

function tokensBetween(text: string, start: number, end: number): readonly Token[] {
  const tokens: Token[] = []
  for (let token = nextToken(text, start, null); token.start < end; token = nextToken(text, token.end, token)) {
    tokens.push(token)
  }
  return tokens
}

/**
 * Whether a condition says nothing of the row: one of its alternatives is all constants, or compares a column with
 * itself. What it comes to is not computed; only a plain 0 or `false` is known to be met by none.
 */
function isMetByAll(tokens: readonly Token[]): boolean {
  const inner = withoutBrackets(tokens)
  const alternatives = split(inner, 'OR')
  if (alternatives.length > 1) return alternatives.some(isMetByAll)
  const terms = split(inner, 'AND')
  if (terms.length > 1) return terms.every(isMetByAll)
  return isSelfComparison(inner) || (!isNever(inner) && !inner.some((_token, index) => namesColumn(inner, index)))
}

/** The parts between a word outside all brackets; the AND of BETWEEN parts too, which makes two parts of no column. */
function split(tokens: readonly Token[], word: string): readonly (readonly Token[])[] {
  const parts: Token[][] = [[]]
  let depth = 0
  for (const token of tokens) {
    if (isSymbol(token, '(') || isSymbol(token, '[')) depth += 1
    else if (isSymbol(token, ')') || isSymbol(token, ']')) depth -= 1
    if (depth === 0 && token.kind === 'word' && token.value === word) parts.push([])
    else parts.at(-1)?.push(token)
  }
  return parts
}

function withoutBrackets(tokens: readonly Token[]): readonly Token[] {
  if (!isSymbol(tokens[0], '(')) return tokens
  let depth = 0
  for (const [index, token] of tokens.entries()) {
    if (isSymbol(token, '(')) depth += 1
    else if (isSymbol(token, ')')) depth -= 1
    if (depth === 0) return index === tokens.length - 1 ? withoutBrackets(tokens.slice(1, -1)) : tokens
  }
  return tokens
}

function isSelfComparison(tokens: readonly Token[]): boolean {
  const [left, operator, right, ...more] = tokens
  if (left === undefined || operator === undefined || right === undefined || more.length > 0) return false
  if (operator.kind !== 'symbol' || !['=', '==', '<=', '>=', '<=>'].includes(operator.value ?? '')) return false
  return isName(left) && isName(right) && nameOf(left) === nameOf(right)
}

/** A word is a column unless it is a constant, an operator, or calls a function. */
function namesColumn(tokens: readonly Token[], index: number): boolean {
  const token = tokens[index]
  if (token === undefined || !isName(token)) return false
  if (token.kind === 'word' && harmless.has(token.value ?? '')) return false
  return !isSymbol(tokens[index + 1], '(')
}

const harmless = new Set('AND OR NOT XOR IS IN BETWEEN LIKE ILIKE DIV MOD TRUE FALSE NULL'.split(' '))

function isNever(tokens: readonly Token[]): boolean {
  const [only, ...more] = tokens
  return (
    only !== undefined &&
    only.kind !== 'quoted' &&
    more.length === 0 &&
    ['0', 'FALSE', 'NULL'].includes(only.value ?? '')
  )
}

function isName(token: Token): boolean {
  return token.kind === 'word' || token.kind === 'quoted'
}

/** Lower case for comparing: names that differ in case alone are different, but nobody compares those. */
function nameOf(token: Token): string {
  return (token.value ?? '').toLowerCase()
}

function isSymbol(token: Token | undefined, symbol: string): boolean {
  return token?.kind === 'symbol' && token.value === symbol
}
