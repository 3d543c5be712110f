import type { Cursor } from './cursor.ts'
import { readExpression, readExpressions } from './expression.ts'
import { readFrom } from './from.ts'
import { readName } from './names.ts'
import { isQueryNext, readOrder, readQuery } from './query.ts'
import { readSettings } from './settings.ts'
import { readWindow } from './window.ts'

/** Reads one SELECT: `WITH …`, `FROM …` before or behind the list, and its clauses. */
export function readSelect(cursor: Cursor): void {
  readWith(cursor)
  const isFromFirst = cursor.isWords('FROM')
  if (isFromFirst) readFrom(cursor)
  // `FROM t` alone reads all of it.
  if (isFromFirst && !cursor.isWords('SELECT')) cursor.seen.columns.push(['*'])
  else readList(cursor)
  if (!isFromFirst && cursor.isWords('FROM')) readFrom(cursor)
  readClauses(cursor)
}

/** `WITH x AS (SELECT …), 5 AS y`, if it comes. */
export function readWith(cursor: Cursor): void {
  if (!cursor.take('WITH')) return
  cursor.take('RECURSIVE')
  cursor.list(() => {
    if (!isCommonTable(cursor)) {
      readExpression(cursor, 'bare')
      return
    }
    cursor.seen.qualifiers.push(readName(cursor))
    if (cursor.takeSymbol('(')) {
      cursor.list(() => readName(cursor))
      cursor.needSymbol(')')
    }
    cursor.need('AS')
    if (!cursor.take('MATERIALIZED')) cursor.take('NOT', 'MATERIALIZED')
    cursor.needSymbol('(')
    readQuery(cursor)
    cursor.needSymbol(')')
  })
}

function isCommonTable(cursor: Cursor): boolean {
  if (!cursor.isKind('word') && !cursor.isKind('quoted')) return false
  if (cursor.word(1) === 'AS') {
    let at = 2
    while (cursor.word(at) === 'NOT' || cursor.word(at) === 'MATERIALIZED') at += 1
    return cursor.isSymbol('(', at)
  }
  if (!cursor.isSymbol('(', 1)) return false
  // `x(a, b) AS (` names the columns of x.
  let at = 2
  while ((cursor.isKind('word', at) || cursor.isKind('quoted', at)) && cursor.isSymbol(',', at + 1)) at += 2
  return (
    cursor.isSymbol(')', at + 1) &&
    cursor.word(at + 2) === 'AS' &&
    cursor.isSymbol('(', at + 3) &&
    opensQuery(cursor, at + 4)
  )
}

function opensQuery(cursor: Cursor, from: number): boolean {
  let at = from
  while (cursor.isSymbol('(', at) && at < from + 8) at += 1
  return ['SELECT', 'WITH', 'FROM'].includes(cursor.word(at))
}

function readList(cursor: Cursor): void {
  cursor.need('SELECT')
  if (cursor.take('DISTINCT')) {
    if (cursor.take('ON')) {
      cursor.needSymbol('(')
      readExpressions(cursor)
      cursor.needSymbol(')')
    }
  } else if (cursor.isWords('ALL') && !cursor.isSymbol('(', 1) && !cursor.isSymbol(',', 1)) cursor.next()
  if (cursor.isWords('TOP') && (cursor.isKind('number', 1) || cursor.isSymbol('(', 1))) {
    cursor.next()
    if (!cursor.takeKind('number')) {
      cursor.needSymbol('(')
      readExpression(cursor)
      cursor.needSymbol(')')
    }
    cursor.take('WITH', 'TIES')
  }
  if (cursor.isWords('FROM')) cursor.fail()
  readExpressions(cursor, 'bare')
}

function readClauses(cursor: Cursor): void {
  for (;;) {
    if (cursor.take('PREWHERE') || cursor.take('WHERE') || cursor.take('HAVING') || cursor.take('QUALIFY')) {
      readExpression(cursor)
    } else if (cursor.take('GROUP', 'BY')) readGroup(cursor)
    else if (cursor.take('WINDOW')) cursor.list(() => readNamedWindow(cursor))
    else if (cursor.isWords('ORDER', 'BY')) readOrder(cursor)
    else if (cursor.take('LIMIT') || cursor.isWords('OFFSET') || cursor.isWords('FETCH')) readLimit(cursor)
    else if (cursor.take('WITH', 'TIES') || cursor.take('WITH', 'TOTALS')) continue
    else if (cursor.take('SETTINGS')) readSettings(cursor)
    else return
  }
}

function readNamedWindow(cursor: Cursor): void {
  readName(cursor)
  cursor.need('AS')
  readWindow(cursor)
}

function readGroup(cursor: Cursor): void {
  if (cursor.take('GROUPING', 'SETS')) {
    cursor.needSymbol('(')
    readExpressions(cursor)
    cursor.needSymbol(')')
  } else if (!cursor.take('ALL')) {
    const isShort = (cursor.isWords('ROLLUP') || cursor.isWords('CUBE')) && cursor.isSymbol('(', 1)
    if (isShort) cursor.next()
    readExpressions(cursor)
  }
  while (cursor.take('WITH', 'ROLLUP') || cursor.take('WITH', 'CUBE') || cursor.take('WITH', 'TOTALS'));
}

function readLimit(cursor: Cursor): void {
  if (!cursor.isWords('OFFSET') && !cursor.isWords('FETCH')) {
    readExpression(cursor, 'none')
    if (cursor.takeSymbol(',')) readExpression(cursor, 'none')
  }
  if (cursor.take('OFFSET')) {
    readExpression(cursor, 'none')
    if (!cursor.take('ROWS')) cursor.take('ROW')
  }
  if (cursor.take('BY')) {
    if (!cursor.take('ALL')) readExpressions(cursor)
  }
  if (!cursor.take('FETCH')) return
  if (!cursor.take('FIRST')) cursor.need('NEXT')
  if (!cursor.isWords('ROW') && !cursor.isWords('ROWS')) readExpression(cursor, 'none')
  if (!cursor.take('ROWS')) cursor.need('ROW')
  if (!cursor.take('ONLY')) cursor.need('WITH', 'TIES')
}

/** Whether a query that is the rest of a statement comes next, in brackets or not. */
export function beginsQuery(cursor: Cursor): boolean {
  let at = 0
  while (cursor.isSymbol('(', at) && at < 64) at += 1
  return at > 0 ? ['SELECT', 'WITH', 'FROM'].includes(cursor.word(at)) : isQueryNext(cursor)
}
