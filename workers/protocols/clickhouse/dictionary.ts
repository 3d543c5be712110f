import type { Cursor } from './cursor.ts'
import { readExpression } from './expression.ts'
import { readName, readTable, readType, skipCluster, skipCondition } from './names.ts'
import { seeHiddenTables, seeTable } from './seen.ts'
import { readSettings } from './settings.ts'

/** Reads what follows CREATE DICTIONARY, with the tables, programs and servers its source names. */
export function readDictionary(cursor: Cursor): void {
  skipCondition(cursor)
  readTable(cursor, true)
  if (cursor.take('UUID')) cursor.needKind('text')
  skipCluster(cursor)
  if (cursor.takeSymbol('(')) {
    if (!cursor.isSymbol(')')) cursor.list(() => readAttribute(cursor))
    cursor.needSymbol(')')
  }
  for (;;) {
    if (cursor.take('PRIMARY', 'KEY')) cursor.list(() => readExpression(cursor))
    else if (cursor.take('SOURCE')) readSource(cursor)
    else if (cursor.take('LAYOUT') || cursor.take('LIFETIME') || cursor.take('RANGE')) readPairs(cursor)
    else if (cursor.take('SETTINGS')) {
      cursor.needSymbol('(')
      readSettings(cursor)
      cursor.needSymbol(')')
    } else if (cursor.take('COMMENT')) cursor.needKind('text')
    else return
  }
}

const FLAGS = new Set(['HIERARCHICAL', 'INJECTIVE', 'IS_OBJECT_ID', 'BIDIRECTIONAL'])

function readAttribute(cursor: Cursor): void {
  cursor.seen.columns.push([readName(cursor)])
  readType(cursor)
  for (;;) {
    if (cursor.take('DEFAULT') || cursor.take('EXPRESSION')) readExpression(cursor, 'none')
    else if (cursor.takeOneOf(FLAGS) === '') return
  }
}

function readSource(cursor: Cursor): void {
  cursor.needSymbol('(')
  const kind = readName(cursor).toLowerCase()
  const { seen } = cursor
  seen.functions.push(kind)
  if (kind.startsWith('executable') || kind === 'library') seen.usesProgram = true
  const pairs = readPairs(cursor)
  cursor.needSymbol(')')
  const table = pairs.get('TABLE')
  const database = pairs.get('DB')
  // SQL in a text, a named collection, or a key given twice.
  if (HIDING.some((key) => pairs.has(key)) || table === null || database === null) seeHiddenTables(seen)
  else if (table !== undefined) seeTable(seen, database === undefined ? table.split('.') : [database, table])
  else if (kind === 'clickhouse') seeHiddenTables(seen)
}

const TWICE = ' twice'
const HIDING = ['QUERY', 'NAME', 'WHERE', 'INVALIDATE_QUERY', TWICE]

/** `(KEY value OTHER 'value' NESTED(…))`; the value of a key is null where it is not a plain word. */
function readPairs(cursor: Cursor): ReadonlyMap<string, string | null> {
  cursor.needSymbol('(')
  const pairs = new Map<string, string | null>()
  while (!cursor.isSymbol(')')) {
    const key = (cursor.takeKind('number')?.value ?? readName(cursor)).toUpperCase()
    if (pairs.has(key)) pairs.set(TWICE, null)
    if (cursor.isSymbol('(')) {
      cursor.nest(() => readPairs(cursor))
      pairs.set(key, null)
      continue
    }
    pairs.set(key, readValue(cursor))
    cursor.takeSymbol(',')
  }
  cursor.needSymbol(')')
  return pairs
}

function readValue(cursor: Cursor): string | null {
  const token = cursor.peek()
  if (token.kind === 'text') return cursor.next().value
  if (token.kind === 'number') {
    cursor.next()
    return null
  }
  if (token.kind === 'symbol' && token.value === ')') return null
  if (token.kind === 'symbol' && token.value === '-') {
    cursor.next()
    cursor.needKind('number')
    return null
  }
  const name = readName(cursor)
  if (!cursor.isSymbol('(')) return name
  // `PASSWORD env('X')`: a value that is worked out.
  cursor.seen.functions.push(name.toLowerCase())
  cursor.nest(() => readPairs(cursor))
  return null
}
