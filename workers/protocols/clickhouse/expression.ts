import type { Cursor } from './cursor.ts'
import { readName } from './names.ts'
import { readOperand } from './operand.ts'
import { type Seen, seeTable } from './seen.ts'
import { isTableFunctionNext, readTableFunction } from './table-function.ts'

/** What an expression turned out to be, as far as its neighbours care. */
export type Shape =
  | { readonly kind: 'name'; readonly parts: readonly string[] }
  | { readonly kind: 'names'; readonly names: readonly string[] }
  | { readonly kind: 'text'; readonly value: string | null }
  | { readonly kind: 'call'; readonly name: string }
  | { readonly kind: 'other' }

/** Where an alias may stand: nowhere, after AS, or also without AS as in a SELECT list. */
export type AliasStyle = 'none' | 'as' | 'bare'

/**
 * Reads one expression and notes its columns, functions and tables. Precedence does not matter to what is noted, so it
 * is read as a row of operands and operators.
 */
export function readExpression(cursor: Cursor, alias: AliasStyle = 'as'): Shape {
  return cursor.nest(() => {
    const from = cursor.seen.columns.length
    let shape = readOperand(cursor)
    if (cursor.isSymbol('->')) shape = readLambda(cursor, shape, from)
    for (;;) {
      if (readOperation(cursor)) shape = { kind: 'other' }
      else if (!readAlias(cursor, alias)) return shape
    }
  })
}

/** Reads expressions with commas between; the last comma may be followed by nothing before `)`, `]` or FROM. */
export function readExpressions(cursor: Cursor, alias: AliasStyle = 'as'): void {
  do {
    if (cursor.isSymbol(')') || cursor.isSymbol(']') || cursor.isWords('FROM')) return
    readExpression(cursor, alias)
  } while (cursor.takeSymbol(','))
}

/** Notes what stands right of IN: a table, or a column that holds the set; both look the same. */
export function seeSet(seen: Seen, shape: Shape): void {
  if (shape.kind === 'name') seeTable(seen, shape.parts)
}

/** Words that begin the next part of a statement and are never an alias unless AS is written. */
export const CLAUSE_WORDS: ReadonlySet<string> = new Set(
  `ALL ANTI ANY ARRAY AS ASOF ASSUME AND AT BETWEEN CHECK CROSS DIV DEFAULT ELSE END EXCEPT FILL FINAL FOR FORMAT FROM
  FULL GLOBAL GROUP HAVING ILIKE IN INNER INTERPOLATE INTERSECT INTO IS JOIN LEFT LIKE LIMIT MOD NATURAL NOT OFFSET ON
  ONLY OR ORDER OUTER PARALLEL PASTE PREWHERE QUALIFY REGEXP RIGHT SAMPLE SELECT SEMI SET SETTINGS STREAM THEN TO UNION USING
  VALUES WHEN WHERE WINDOW WITH XOR ASC DESC NULLS COLLATE STEP STALENESS`.split(/\s+/),
)

const SYMBOL_OPERATORS = new Set(['+', '-', '*', '/', '%', '=', '==', '!=', '<>', '<=', '>=', '<', '>', '<=>', '||'])
const WORD_OPERATORS = new Set(['AND', 'OR', 'XOR', 'DIV', 'MOD', 'LIKE', 'ILIKE', 'REGEXP', 'BETWEEN', 'ESCAPE'])
const OPERATION_STARTS = new Set([...WORD_OPERATORS, 'IS', 'AT', 'IN', 'NOT', 'GLOBAL'])

function readOperation(cursor: Cursor): boolean {
  const token = cursor.peek()
  if (token.kind === 'symbol') {
    if (token.value === '?') return readTernary(cursor)
    if (!SYMBOL_OPERATORS.has(token.value ?? '')) return false
    cursor.next()
    readOperand(cursor)
    return true
  }
  if (token.kind !== 'word' || !OPERATION_STARTS.has(token.value ?? '')) return false
  if (cursor.take('IS')) return readIs(cursor)
  if (cursor.take('AT', 'TIME', 'ZONE')) {
    readOperand(cursor)
    return true
  }
  if (
    cursor.take('IN') ||
    cursor.take('NOT', 'IN') ||
    cursor.take('GLOBAL', 'IN') ||
    cursor.take('GLOBAL', 'NOT', 'IN')
  ) {
    if (isTableFunctionNext(cursor)) readTableFunction(cursor)
    else seeSet(cursor.seen, readOperand(cursor))
    return true
  }
  const negated = cursor.isWords('NOT') && WORD_OPERATORS.has(cursor.word(1))
  if (negated) cursor.next()
  if (!WORD_OPERATORS.has(cursor.word())) return false
  cursor.next()
  readOperand(cursor)
  return true
}

function readTernary(cursor: Cursor): boolean {
  cursor.needSymbol('?')
  readExpression(cursor)
  cursor.needSymbol(':')
  readExpression(cursor)
  return true
}

function readIs(cursor: Cursor): boolean {
  cursor.take('NOT')
  if (cursor.take('DISTINCT', 'FROM')) readOperand(cursor)
  else if (cursor.takeOneOf(TRUTHS) === '') cursor.fail()
  return true
}

const TRUTHS = new Set(['NULL', 'TRUE', 'FALSE', 'UNKNOWN'])

function readAlias(cursor: Cursor, style: AliasStyle): boolean {
  if (style === 'none') return false
  if (cursor.take('AS')) {
    readName(cursor)
    return true
  }
  if (style === 'as') return false
  if (!cursor.isKind('quoted') && (!cursor.isKind('word') || CLAUSE_WORDS.has(cursor.word()))) return false
  readName(cursor)
  return true
}

function readLambda(cursor: Cursor, parameters: Shape, from: number): Shape {
  const names = lambdaNames(parameters) ?? cursor.fail()
  const { columns } = cursor.seen
  cursor.needSymbol('->')
  columns.length = from
  readExpression(cursor)
  const body = columns.splice(from)
  for (const parts of body) {
    const isParameter = names.includes(parts[0] ?? '')
    // `x.a` may be a member of the parameter x or a column of a table x.
    if (!isParameter) columns.push(parts)
    else if (parts.length > 1) columns.push(parts.slice(1))
  }
  return { kind: 'other' }
}

function lambdaNames(shape: Shape): readonly string[] | null {
  if (shape.kind === 'name' && shape.parts.length === 1) return shape.parts
  return shape.kind === 'names' ? shape.names : null
}
