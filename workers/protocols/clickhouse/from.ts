import type { Cursor } from './cursor.ts'
import { CLAUSE_WORDS, readExpression, readExpressions } from './expression.ts'
import { readName, readTable } from './names.ts'
import { isQueryNext, readQuery, readSetOperations } from './query.ts'
import { beginsQuery } from './select.ts'
import { readTableFunction } from './table-function.ts'

/** Reads `FROM` and everything joined to it. */
export function readFrom(cursor: Cursor): void {
  cursor.need('FROM')
  readSource(cursor)
  for (;;) {
    if (cursor.takeSymbol(',')) {
      readSource(cursor)
    } else if (
      cursor.take('ARRAY', 'JOIN') ||
      cursor.take('LEFT', 'ARRAY', 'JOIN') ||
      cursor.take('INNER', 'ARRAY', 'JOIN')
    ) {
      readExpressions(cursor, 'bare')
    } else if (!readJoin(cursor)) return
  }
}

/** One table, subquery or table function, with FINAL, SAMPLE and its alias. */
export function readSource(cursor: Cursor): void {
  cursor.nest(() => {
    const isQuery = cursor.isSymbol('(')
    if (isQuery) readBracketed(cursor)
    else readNamedSource(cursor)
    const table = cursor.seen.tables.at(-1)?.split('.').at(-1)
    for (let isNamed = false; ; ) {
      if (cursor.take('FINAL')) continue
      if (cursor.take('SAMPLE')) {
        readExpression(cursor, 'none')
        if (cursor.take('OFFSET')) readExpression(cursor, 'none')
      } else if (!isNamed && readAlias(cursor, isQuery ? null : table)) isNamed = true
      else return
    }
  })
}

function readAlias(cursor: Cursor, table: string | null | undefined): boolean {
  if (!cursor.take('AS') && !cursor.isKind('quoted') && (!cursor.isKind('word') || CLAUSE_WORDS.has(cursor.word())))
    return false
  const alias = readName(cursor)
  cursor.seen.qualifiers.push(alias)
  // Not `u` of users: a column with so short a name keeps no secrets.
  if (table !== null && alias.length > 2 && alias.toLowerCase() !== table) cursor.seen.aliases.add(alias)
  if (cursor.takeSymbol('(')) {
    cursor.list(() => readName(cursor))
    cursor.needSymbol(')')
  }
  return true
}

function readBracketed(cursor: Cursor): void {
  cursor.needSymbol('(')
  if (cursor.take('VALUES')) {
    readExpressions(cursor)
    cursor.seen.functions.push('values')
  } else if (isQueryNext(cursor) || beginsQuery(cursor)) {
    readQuery(cursor)
    readSetOperations(cursor)
  } else {
    // `(a JOIN b ON …)` and `(t)`.
    readSource(cursor)
    while (cursor.takeSymbol(',')) readSource(cursor)
    while (readJoin(cursor));
  }
  cursor.needSymbol(')')
}

function readNamedSource(cursor: Cursor): void {
  let at = 0
  while ((cursor.isKind('word', at) || cursor.isKind('quoted', at)) && cursor.isSymbol('.', at + 1)) at += 2
  if (!cursor.isSymbol('{', at) && cursor.isSymbol('(', at + 1)) readTableFunction(cursor)
  else readTable(cursor)
}

const JOIN_WORDS = new Set(
  'GLOBAL LOCAL ANY ALL ASOF SEMI ANTI INNER LEFT RIGHT FULL OUTER CROSS PASTE NATURAL'.split(' '),
)

function readJoin(cursor: Cursor): boolean {
  let at = 0
  while (JOIN_WORDS.has(cursor.word(at))) at += 1
  if (cursor.word(at) !== 'JOIN') return false
  for (; at >= 0; at -= 1) cursor.next()
  readSource(cursor)
  if (cursor.take('ON')) readExpression(cursor)
  else if (cursor.take('USING') && !cursor.takeSymbol('*')) {
    if (!cursor.takeSymbol('(')) readExpressions(cursor, 'as')
    else {
      readExpressions(cursor, 'as')
      cursor.needSymbol(')')
    }
  }
  return true
}
