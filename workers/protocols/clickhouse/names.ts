import type { Cursor } from './cursor.ts'
import { seeHiddenTables, seeTable } from './seen.ts'

/** One identifier as written, without its quotes. */
export function readName(cursor: Cursor): string {
  const token = cursor.next()
  if (token.kind === 'word') return cursor.text.slice(token.start, token.end)
  if (token.kind === 'quoted' && token.value !== null) return token.value
  return cursor.fail()
}

/** An identifier with its qualifiers: `db.t` is `['db', 't']`. */
export function readCompoundName(cursor: Cursor): readonly string[] {
  const parts = [readName(cursor)]
  while (cursor.takeSymbol('.')) parts.push(readName(cursor))
  return parts
}

/** A query parameter `{name:Type}`; its value is sent beside the text. The type in upper case. */
export function readParameter(cursor: Cursor): string {
  cursor.needSymbol('{')
  readName(cursor)
  cursor.needSymbol(':')
  const type = cursor.word()
  readType(cursor)
  cursor.needSymbol('}')
  return type
}

/** The name of a table, or a parameter in its place, which hides it. */
export function readTable(cursor: Cursor, isTarget = false): void {
  // The server may take these for names where this grammar would have begun a clause.
  if (CLAUSE_STARTS.has(cursor.word())) cursor.fail()
  if (!hasParameterPart(cursor)) {
    seeTable(cursor.seen, readCompoundName(cursor), isTarget)
    return
  }
  do {
    if (cursor.isSymbol('{')) readParameter(cursor)
    else readName(cursor)
  } while (cursor.takeSymbol('.'))
  seeHiddenTables(cursor.seen, isTarget)
}

/** A name that is not a table's, such as a database or a user, or a parameter in its place. */
export function readEntity(cursor: Cursor): void {
  if (cursor.isSymbol('{')) readParameter(cursor)
  else if (!cursor.takeKind('text')) readCompoundName(cursor)
}

/** `ON CLUSTER name`, if it comes. */
export function skipCluster(cursor: Cursor): void {
  if (cursor.take('ON', 'CLUSTER')) readEntity(cursor)
}

/** `IF EXISTS`, `IF NOT EXISTS` or `IF EMPTY`, if it comes. */
export function skipCondition(cursor: Cursor): void {
  if (cursor.take('IF', 'NOT', 'EXISTS') || cursor.take('IF', 'EXISTS')) return
  cursor.take('IF', 'EMPTY')
}

/** A data type such as `Array(Tuple(a UInt8, b String))` or `double precision`: nothing in it is ever evaluated. */
export function readType(cursor: Cursor): void {
  readName(cursor)
  while (TYPE_WORDS.has(cursor.word())) cursor.next()
  if (cursor.takeSymbol('(')) skipTypeArguments(cursor)
  while (TYPE_WORDS.has(cursor.word())) cursor.next()
}

const CLAUSE_STARTS = new Set(['FROM', 'SELECT', 'WHERE', 'JOIN', 'WITH'])

const TYPE_WORDS = new Set(['PRECISION', 'VARYING', 'UNSIGNED', 'SIGNED', 'LARGE', 'OBJECT'])

function skipTypeArguments(cursor: Cursor): void {
  for (let depth = 1; depth > 0; ) {
    const token = cursor.next()
    if (token.kind === 'end') cursor.fail()
    if (token.kind !== 'symbol') continue
    if (token.value === '(') depth += 1
    else if (token.value === ')') depth -= 1
    else if (!TYPE_SYMBOLS.has(token.value ?? '')) cursor.fail()
  }
}

const TYPE_SYMBOLS = new Set([',', '=', '.', '-', '[', ']'])

function hasParameterPart(cursor: Cursor): boolean {
  return cursor.isSymbol('{') || (cursor.isSymbol('.', 1) && cursor.isSymbol('{', 2))
}
