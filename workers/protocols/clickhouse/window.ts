import type { Cursor } from './cursor.ts'
import { readExpressions } from './expression.ts'
import { readName } from './names.ts'
import { readOperand } from './operand.ts'
import { readOrder } from './query.ts'

/** `OVER name` or `OVER (…)`. */
export function readOver(cursor: Cursor): void {
  cursor.need('OVER')
  if (cursor.isSymbol('(')) readWindow(cursor)
  else readName(cursor)
}

/** A window's definition in its brackets. */
export function readWindow(cursor: Cursor): void {
  cursor.needSymbol('(')
  if (!cursor.isSymbol(')') && !CLAUSES.has(cursor.word())) readName(cursor)
  if (cursor.take('PARTITION', 'BY')) readExpressions(cursor)
  if (cursor.isWords('ORDER', 'BY')) readOrder(cursor)
  if (cursor.takeOneOf(FRAMES) !== '') {
    if (!cursor.take('BETWEEN')) readBound(cursor)
    else {
      readBound(cursor)
      cursor.need('AND')
      readBound(cursor)
    }
  }
  cursor.needSymbol(')')
}

const CLAUSES = new Set(['PARTITION', 'ORDER', 'ROWS', 'RANGE', 'GROUPS'])
const FRAMES = new Set(['ROWS', 'RANGE', 'GROUPS'])

function readBound(cursor: Cursor): void {
  if (cursor.take('CURRENT', 'ROW')) return
  if (!cursor.take('UNBOUNDED')) readOperand(cursor)
  if (!cursor.take('PRECEDING')) cursor.need('FOLLOWING')
}
