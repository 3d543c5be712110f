import { readCall } from './call.ts'
import type { Cursor } from './cursor.ts'
import { readExpression, readExpressions, type Shape } from './expression.ts'
import { readAsteriskChanges, readColumnsMatcher } from './matcher.ts'
import { readName, readParameter, readType } from './names.ts'
import { isQueryNext, readQuery, readSetOperations } from './query.ts'
import { readCase, readInterval } from './word-forms.ts'

const OTHER: Shape = { kind: 'other' }

/** Reads one operand: a literal, name, call, subquery, or anything in brackets, with what hangs on its end. */
export function readOperand(cursor: Cursor): Shape {
  return cursor.nest(() => {
    let isBare = true
    while (cursor.takeSymbol('-') || cursor.takeSymbol('+') || cursor.take('NOT')) isBare = false
    const shape = readPrimary(cursor)
    const isPlain = !readSuffixes(cursor)
    return isBare && isPlain ? shape : OTHER
  })
}

function readPrimary(cursor: Cursor): Shape {
  const token = cursor.peek()
  switch (token.kind) {
    case 'number':
      cursor.next()
      return OTHER
    case 'text':
      cursor.next()
      return { kind: 'text', value: token.value }
    case 'quoted':
      return readNamed(cursor)
    case 'word':
      return readWord(cursor)
    case 'symbol':
      return readSymbol(cursor, token.value ?? '')
    case 'end':
      return cursor.fail()
  }
}

function readSymbol(cursor: Cursor, symbol: string): Shape {
  if (symbol === '(') return readRound(cursor)
  if (symbol === '[') {
    cursor.next()
    readExpressions(cursor)
    cursor.needSymbol(']')
    return OTHER
  }
  if (symbol === '{') return readCurly(cursor)
  if (symbol === '*') {
    cursor.next()
    cursor.seen.columns.push(['*'])
    readAsteriskChanges(cursor)
    return OTHER
  }
  if (symbol !== '@@') return cursor.fail()
  cursor.next()
  cursor.seen.functions.push('globalvariable')
  do readName(cursor)
  while (cursor.takeSymbol('.'))
  return OTHER
}

function readRound(cursor: Cursor): Shape {
  cursor.needSymbol('(')
  if (isQueryNext(cursor)) {
    readQuery(cursor)
    cursor.needSymbol(')')
    return OTHER
  }
  if (cursor.takeSymbol(')')) return { kind: 'names', names: [] }
  const shapes: Shape[] = []
  do {
    if (cursor.isSymbol(')')) break
    shapes.push(readExpression(cursor))
    // `((SELECT 1) UNION ALL SELECT 2)`: what looked like an expression was the first of several queries.
    if (shapes.length === 1 && readSetOperations(cursor)) break
  } while (cursor.takeSymbol(','))
  cursor.needSymbol(')')
  const [only] = shapes
  const names = shapes.flatMap((shape) => (shape.kind === 'name' && shape.parts.length === 1 ? shape.parts : []))
  if (shapes.length === 1 && only) return only
  return names.length === shapes.length ? { kind: 'names', names } : OTHER
}

function readCurly(cursor: Cursor): Shape {
  if (cursor.isKind('word', 1) || cursor.isKind('quoted', 1)) {
    // A parameter may stand for a name: of a column, or right of IN and in table functions of a table.
    if (readParameter(cursor) === 'IDENTIFIER')
      for (const set of ['columns', 'tables'] as const) cursor.seen.vague.add(set)
    return OTHER
  }
  cursor.needSymbol('{')
  while (!cursor.isSymbol('}')) {
    readExpression(cursor, 'none')
    cursor.needSymbol(':')
    readExpression(cursor, 'none')
    if (!cursor.takeSymbol(',')) break
  }
  cursor.needSymbol('}')
  return OTHER
}

const CONSTANTS = new Set(['NULL', 'TRUE', 'FALSE', 'INF', 'NAN'])
const NOT_AFTER_CASE = new Set(['FROM', 'AS', 'AND', 'OR', 'IN', 'IS', 'LIKE', 'BETWEEN', 'ASC', 'DESC', 'END', 'THEN'])

function readWord(cursor: Cursor): Shape {
  const word = cursor.word()
  const after = cursor.peek(1)
  const opens = after.kind === 'symbol' && (after.value === '(' || after.value === '.')
  if (word === 'FROM') return cursor.fail()
  if (CONSTANTS.has(word) && !opens) {
    cursor.next()
    return OTHER
  }
  if ((word === 'DATE' || word === 'TIMESTAMP') && after.kind === 'text') {
    cursor.next()
    cursor.next()
    return OTHER
  }
  if (word === 'CASE' && beginsOperand(cursor) && !NOT_AFTER_CASE.has(cursor.word(1))) return readCase(cursor)
  if (word === 'INTERVAL' && beginsOperand(cursor) && cursor.attempt(() => readInterval(cursor))) return OTHER
  if (word === 'EXISTS' && opens && after.value === '(') {
    cursor.next()
    return readRound(cursor)
  }
  if (word === 'COLUMNS' && opens && after.value === '(') return readColumnsMatcher(cursor)
  return readNamed(cursor)
}

function beginsOperand(cursor: Cursor): boolean {
  const { kind, value } = cursor.peek(1)
  return kind !== 'end' && (kind !== 'symbol' || ['(', '-', '+', '[', '{'].includes(value ?? ''))
}

function readNamed(cursor: Cursor): Shape {
  const parts = [readName(cursor)]
  while (cursor.isSymbol('.')) {
    if (cursor.isSymbol('*', 1)) {
      cursor.next()
      return readSymbol(cursor, '*')
    }
    if (cursor.isWords('COLUMNS') || (cursor.word(1) === 'COLUMNS' && cursor.isSymbol('(', 2))) {
      cursor.next()
      return readColumnsMatcher(cursor)
    }
    if (!cursor.isKind('word', 1) && !cursor.isKind('quoted', 1)) break
    cursor.next()
    parts.push(readName(cursor))
  }
  if (cursor.isSymbol('(')) return readCall(cursor, parts)
  cursor.seen.columns.push(parts)
  return { kind: 'name', parts }
}

function readSuffixes(cursor: Cursor): boolean {
  for (let count = 0; ; count += 1) {
    if (cursor.takeSymbol('[')) {
      readExpression(cursor)
      cursor.needSymbol(']')
    } else if (cursor.takeSymbol('::')) readType(cursor)
    else if (cursor.takeSymbol('.')) readMember(cursor)
    else return count > 0
  }
}

/** After the dot: `1`, `name`, `^name` (a JSON object), `:Type` (a JSON value of a type), `*`. */
function readMember(cursor: Cursor): void {
  if (cursor.takeKind('number') || cursor.takeSymbol('*')) return
  if (cursor.takeSymbol('-')) cursor.needKind('number')
  else if (cursor.takeSymbol(':')) readType(cursor)
  else {
    cursor.takeSymbol('^')
    readName(cursor)
  }
}
