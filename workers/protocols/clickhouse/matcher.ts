import { seeFunctionByName } from './call.ts'
import type { Cursor } from './cursor.ts'
import { readExpression, type Shape } from './expression.ts'
import { readCompoundName, readName } from './names.ts'

/** `COLUMNS('pattern')` or `COLUMNS(a, b)`; a pattern may match any column. */
export function readColumnsMatcher(cursor: Cursor): Shape {
  cursor.need('COLUMNS')
  cursor.needSymbol('(')
  cursor.list(() => {
    if (cursor.takeKind('text')) cursor.seen.columns.push(['*'])
    else cursor.seen.columns.push(readCompoundName(cursor))
  })
  cursor.needSymbol(')')
  readAsteriskChanges(cursor)
  return { kind: 'other' }
}

/** What may follow `*`: EXCEPT, REPLACE and APPLY, any number of them. */
export function readAsteriskChanges(cursor: Cursor): void {
  for (;;) {
    if (cursor.isWords('EXCEPT') && isColumnExcept(cursor)) readExcept(cursor)
    else if (cursor.isWords('REPLACE')) readReplace(cursor)
    else if (cursor.take('APPLY')) readApply(cursor)
    else return
  }
}

function isColumnExcept(cursor: Cursor): boolean {
  const opens = cursor.isSymbol('(', 1)
  const word = cursor.word(opens ? 2 : 1)
  if (opens && cursor.isSymbol('(', 2)) return false
  return !['SELECT', 'WITH', 'ALL', 'DISTINCT', 'FROM', 'VALUES'].includes(word)
}

function readExcept(cursor: Cursor): void {
  cursor.need('EXCEPT')
  cursor.take('STRICT')
  if (!cursor.takeSymbol('(')) {
    readExcepted(cursor)
    return
  }
  cursor.list(() => readExcepted(cursor))
  cursor.needSymbol(')')
}

function readExcepted(cursor: Cursor): void {
  if (!cursor.takeKind('text')) cursor.seen.columns.push(readCompoundName(cursor))
}

function readReplace(cursor: Cursor): void {
  cursor.need('REPLACE')
  cursor.take('STRICT')
  const isList = cursor.takeSymbol('(')
  cursor.list(() => {
    readExpression(cursor, 'none')
    cursor.need('AS')
    readName(cursor)
    if (!isList && cursor.isSymbol(',')) cursor.fail()
  })
  if (isList) cursor.needSymbol(')')
}

function readApply(cursor: Cursor): void {
  const isList = cursor.takeSymbol('(')
  const from = cursor.seen.columns.length
  const shape = readExpression(cursor, 'none')
  if (shape.kind === 'name') {
    cursor.seen.columns.length = from
    seeFunctionByName(cursor.seen, shape)
  }
  if (!isList) return
  if (cursor.takeSymbol(',')) cursor.needKind('text')
  cursor.needSymbol(')')
}
