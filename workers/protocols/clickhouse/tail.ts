import type { Cursor } from './cursor.ts'
import { readName } from './names.ts'
import { readSettings } from './settings.ts'

/** What may end any statement that answers with rows: INTO OUTFILE, FORMAT, SETTINGS, in any order. */
export function readOutputTail(cursor: Cursor): void {
  for (;;) {
    if (cursor.take('INTO', 'OUTFILE')) readOutfile(cursor)
    else if (cursor.take('FORMAT')) readName(cursor)
    else if (cursor.take('SETTINGS')) readSettings(cursor)
    else return
  }
}

function readOutfile(cursor: Cursor): void {
  cursor.needKind('text')
  cursor.seen.isWrite = true
  if (!cursor.take('APPEND')) cursor.take('TRUNCATE')
  cursor.take('AND', 'STDOUT')
  if (!cursor.take('COMPRESSION')) return
  cursor.needKind('text')
  if (cursor.take('LEVEL')) cursor.needKind('number')
}

/** Passes over the rest of a statement in which nothing names a table, runs a query or calls a function. */
export function skipRest(cursor: Cursor): void {
  let depth = 0
  while (!cursor.isKind('end') && !(depth === 0 && cursor.isSymbol(';'))) {
    const word = cursor.word()
    if ((word === 'SELECT' || cursor.isSymbol(';')) && depth > 0) cursor.fail()
    if (cursor.isWords('PARALLEL', 'WITH') || cursor.isWords('INTO', 'OUTFILE')) return
    if (cursor.isSymbol('(')) depth += 1
    else if (cursor.isSymbol(')')) depth -= 1
    if (depth < 0) cursor.fail()
    cursor.next()
  }
  if (depth > 0) cursor.fail()
}

/** `PARTITION expr`, `PARTITION ID 'x'`, `PART 'x'` after the word itself. */
export function readPartition(cursor: Cursor, read: (cursor: Cursor) => void): void {
  if (cursor.take('ALL')) return
  if (cursor.isWords('ID') && cursor.isKind('text', 1)) {
    cursor.next()
    cursor.next()
    return
  }
  const from = cursor.seen.columns.length
  read(cursor)
  cursor.seen.columns.length = from
}
