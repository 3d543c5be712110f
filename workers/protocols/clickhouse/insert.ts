import type { Cursor } from './cursor.ts'
import { readExpression, readExpressions } from './expression.ts'
import { readColumnsMatcher } from './matcher.ts'
import { readCompoundName, readName, readTable } from './names.ts'
import { readQuery, readSetOperations } from './query.ts'
import { beginsQuery } from './select.ts'
import { readSettings } from './settings.ts'
import { readTableFunction } from './table-function.ts'

/** How an INSERT ended: with its text, or with data that is not SQL and takes the rest of the text. */
export type InsertEnd = 'statement' | 'data'

/** Reads `INSERT INTO …` with its inline data. Rows of VALUES are expressions, which the server evaluates. */
export function readInsert(cursor: Cursor): InsertEnd {
  cursor.need('INSERT')
  cursor.take('INTO')
  cursor.seen.isWrite = true
  cursor.take('TABLE')
  if (cursor.take('FUNCTION')) {
    readTableFunction(cursor, true)
    if (cursor.take('PARTITION', 'BY')) readExpression(cursor, 'none')
  } else readTable(cursor, true)
  if (cursor.isSymbol('(') && !beginsQuery(cursor)) readColumns(cursor)
  if (cursor.take('PARTITION', 'BY')) readExpression(cursor, 'none')
  return readContent(cursor)
}

function readColumns(cursor: Cursor): void {
  cursor.needSymbol('(')
  if (!cursor.isSymbol(')')) {
    cursor.list(() => {
      if (cursor.isSymbol('*')) readExpression(cursor)
      else if (cursor.isWords('COLUMNS') && cursor.isSymbol('(', 1)) readColumnsMatcher(cursor)
      else cursor.seen.columns.push([readCompoundName(cursor).join('.')])
    })
  }
  cursor.needSymbol(')')
}

function readContent(cursor: Cursor): InsertEnd {
  for (;;) {
    if (cursor.take('SETTINGS')) readSettings(cursor)
    else if (cursor.take('FROM', 'INFILE')) {
      cursor.needKind('text')
      if (cursor.take('COMPRESSION')) cursor.needKind('text')
    } else if (cursor.take('VALUES')) return readRows(cursor)
    else if (cursor.isWords('FORMAT')) return readFormatted(cursor)
    else if (beginsQuery(cursor)) {
      readQuery(cursor)
      readSetOperations(cursor)
    } else return 'statement'
  }
}

function readFormatted(cursor: Cursor): InsertEnd {
  cursor.need('FORMAT')
  const end = cursor.peek().end
  const format = readName(cursor).toLowerCase()
  if (format === 'values') return readRows(cursor)
  const rest = cursor.text.slice(end, end + 256).trimStart()
  // The server refuses `FORMAT CSV;`; what follows is judged as a statement.
  if (rest.startsWith(';') || /^(--|\/\*|\/\/|#)/.test(rest)) return 'statement'
  if (/^settings\b/i.test(rest)) {
    cursor.need('SETTINGS')
    readSettings(cursor)
  }
  return 'data'
}

function readRows(cursor: Cursor): InsertEnd {
  while (cursor.takeSymbol('(')) {
    do {
      if (cursor.isWords('DEFAULT') && (cursor.isSymbol(',', 1) || cursor.isSymbol(')', 1))) cursor.next()
      else readExpressionOnce(cursor)
    } while (cursor.takeSymbol(','))
    cursor.needSymbol(')')
    cursor.takeSymbol(',')
  }
  return 'statement'
}

function readExpressionOnce(cursor: Cursor): void {
  if (cursor.isSymbol(')')) readExpressions(cursor)
  else readExpression(cursor)
}
