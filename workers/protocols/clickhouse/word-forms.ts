import type { Cursor } from './cursor.ts'
import { readExpression, type Shape } from './expression.ts'

/** `CASE [x] WHEN … THEN … [ELSE …] END`. */
export function readCase(cursor: Cursor): Shape {
  cursor.need('CASE')
  if (!cursor.isWords('WHEN')) readExpression(cursor, 'none')
  while (cursor.take('WHEN')) {
    readExpression(cursor)
    cursor.need('THEN')
    readExpression(cursor)
  }
  if (cursor.take('ELSE')) readExpression(cursor)
  cursor.need('END')
  return { kind: 'other' }
}

/** `INTERVAL 1 DAY` or `INTERVAL '1 day'`. */
export function readInterval(cursor: Cursor): void {
  cursor.need('INTERVAL')
  const shape = readExpression(cursor, 'none')
  if (cursor.takeOneOf(UNITS) === '' && shape.kind !== 'text') cursor.fail()
}

const LONG_UNITS = [
  ...'NANOSECOND MICROSECOND MILLISECOND SECOND MINUTE HOUR DAY WEEK MONTH QUARTER YEAR'.split(' '),
  ...'DECADE CENTURY MILLENNIUM EPOCH DOW DOY ISODOW ISOYEAR'.split(' '),
]
const SHORT_UNITS = 'NS MS MI MM SS S M HH H DD D WW WK Q QQ YY YYYY MCS N'.split(' ')

/** Words for a span of time. */
export const UNITS: ReadonlySet<string> = new Set([
  ...SHORT_UNITS,
  ...LONG_UNITS.flatMap((unit) => [unit, `${unit}S`, `SQL_TSI_${unit}`]),
])
