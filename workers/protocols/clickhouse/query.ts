import type { Cursor } from './cursor.ts'
import { type AliasStyle, readExpression } from './expression.ts'
import { readSelect } from './select.ts'

/** Whether a query comes next rather than an expression: SELECT, WITH, FROM, or such in brackets. */
export function isQueryNext(cursor: Cursor): boolean {
  const word = cursor.word()
  if (word === 'SELECT' || word === 'WITH' || word === 'FROM') {
    // `select`, `with` and `from` may be columns: `(from)`, `(with, x)`.
    const after = cursor.peek(1)
    return after.kind !== 'end' && !(after.kind === 'symbol' && [')', ',', '.', '='].includes(after.value ?? ''))
  }
  return false
}

/** Reads a SELECT with its UNION, INTERSECT and EXCEPT siblings. */
export function readQuery(cursor: Cursor): void {
  cursor.nest(() => {
    readMember(cursor)
    readSetOperations(cursor)
  })
}

/** Reads what is joined to a query that was read just now; false when nothing is. */
export function readSetOperations(cursor: Cursor): boolean {
  let isJoined = false
  while (cursor.takeOneOf(SET_OPERATIONS) !== '') {
    isJoined = true
    if (!cursor.take('ALL')) cursor.take('DISTINCT')
    readMember(cursor)
  }
  return isJoined
}

const SET_OPERATIONS = new Set(['UNION', 'INTERSECT', 'EXCEPT'])

function readMember(cursor: Cursor): void {
  if (!cursor.isSymbol('(')) {
    cursor.seen.verbs.push('select')
    readSelect(cursor)
    return
  }
  cursor.needSymbol('(')
  readQuery(cursor)
  cursor.needSymbol(')')
}

/** `ORDER BY …` with collations, WITH FILL and INTERPOLATE. */
export function readOrder(cursor: Cursor, alias: AliasStyle = 'as'): void {
  cursor.need('ORDER', 'BY')
  if (cursor.take('ALL')) readDirection(cursor)
  else {
    cursor.list(() => {
      readExpression(cursor, alias)
      readDirection(cursor)
    })
  }
  if (!cursor.take('INTERPOLATE')) return
  if (!cursor.takeSymbol('(')) return
  if (!cursor.isSymbol(')')) cursor.list(() => readExpression(cursor))
  cursor.needSymbol(')')
}

const DIRECTIONS = new Set(['ASC', 'ASCENDING', 'DESC', 'DESCENDING'])

function readDirection(cursor: Cursor): void {
  cursor.takeOneOf(DIRECTIONS)
  if (cursor.take('NULLS') && !cursor.take('FIRST')) cursor.need('LAST')
  if (cursor.take('COLLATE')) cursor.needKind('text')
  if (!cursor.take('WITH', 'FILL')) return
  for (const bound of ['FROM', 'TO', 'STEP', 'STALENESS']) if (cursor.take(bound)) readExpression(cursor, 'none')
}
