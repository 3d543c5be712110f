import type { Cursor } from './cursor.ts'
import { readExpression, readExpressions } from './expression.ts'
import { readCompoundName, readEntity, readName, readType, skipCondition } from './names.ts'
import { isQueryNext, readQuery } from './query.ts'
import { readSettings } from './settings.ts'

/** The bracketed list of a CREATE: columns, indexes, projections, constraints, keys. */
export function readDefinitions(cursor: Cursor): void {
  cursor.needSymbol('(')
  do {
    if (cursor.isSymbol(')')) break
    readDefinition(cursor)
  } while (cursor.takeSymbol(','))
  cursor.needSymbol(')')
}

function readDefinition(cursor: Cursor): void {
  if (cursor.isWords('INDEX') && isNamed(cursor)) readIndex(cursor)
  else if (cursor.isWords('PROJECTION') && isNamed(cursor)) readProjection(cursor)
  else if (cursor.isWords('CONSTRAINT') && isNamed(cursor)) readConstraint(cursor)
  else if (cursor.take('PRIMARY', 'KEY')) readExpression(cursor)
  else if (cursor.take('FOREIGN', 'KEY') || cursor.take('UNIQUE', 'KEY')) cursor.fail()
  else readColumn(cursor)
}

function isNamed(cursor: Cursor): boolean {
  return cursor.isKind('word', 1) || cursor.isKind('quoted', 1)
}

/** `INDEX name expr TYPE minmax GRANULARITY 1`, from its first word on. */
export function readIndex(cursor: Cursor): void {
  cursor.need('INDEX')
  skipCondition(cursor)
  readName(cursor)
  readExpression(cursor, 'none')
  if (cursor.take('TYPE')) readIndexType(cursor)
  if (cursor.take('GRANULARITY')) cursor.needKind('number')
}

function readIndexType(cursor: Cursor): void {
  readName(cursor)
  if (!cursor.takeSymbol('(')) return
  const { columns, functions } = cursor.seen
  const [columnCount, functionCount] = [columns.length, functions.length]
  readExpressions(cursor)
  cursor.needSymbol(')')
  // `text(tokenizer = ngrams(3))`: settings in the form of calls.
  columns.length = columnCount
  functions.length = functionCount
}

/** `PROJECTION name (SELECT …)`, from its first word on. */
export function readProjection(cursor: Cursor): void {
  cursor.need('PROJECTION')
  skipCondition(cursor)
  readName(cursor)
  if (cursor.take('INDEX')) {
    readExpression(cursor, 'none')
    cursor.need('TYPE')
    readName(cursor)
  } else {
    cursor.needSymbol('(')
    readQuery(cursor)
    cursor.needSymbol(')')
  }
  if (cursor.take('WITH', 'SETTINGS')) {
    cursor.needSymbol('(')
    readSettings(cursor)
    cursor.needSymbol(')')
  }
}

/** `CONSTRAINT name CHECK expr`, from its first word on. */
export function readConstraint(cursor: Cursor): void {
  cursor.need('CONSTRAINT')
  skipCondition(cursor)
  readName(cursor)
  if (!cursor.take('CHECK')) cursor.need('ASSUME')
  readExpression(cursor)
}

/** Words that may come where a type could, so the column has none. */
const NO_TYPE = new Set(
  'DEFAULT MATERIALIZED ALIAS EPHEMERAL COMMENT CODEC TTL NOT NULL PRIMARY COLLATE STATISTICS SETTINGS AFTER FIRST REMOVE MODIFY RESET'.split(
    ' ',
  ),
)

/** `name Type DEFAULT expr CODEC(…) TTL expr …`. */
export function readColumn(cursor: Cursor): void {
  cursor.seen.columns.push([readCompoundName(cursor).join('.')])
  if (cursor.isKind('quoted') || (cursor.isKind('word') && !NO_TYPE.has(cursor.word()))) readType(cursor)
  for (;;) if (!readColumnProperty(cursor)) return
}

function readColumnProperty(cursor: Cursor): boolean {
  if (
    cursor.take('NOT', 'NULL') ||
    cursor.take('NULL') ||
    cursor.take('PRIMARY', 'KEY') ||
    cursor.take('AUTO_INCREMENT')
  )
    return true
  if (cursor.take('DEFAULT') || cursor.take('MATERIALIZED') || cursor.take('ALIAS') || cursor.take('TTL')) {
    readExpression(cursor, 'none')
  } else if (cursor.take('EPHEMERAL')) {
    if (!cursor.isSymbol(',') && !cursor.isSymbol(')') && !NO_TYPE.has(cursor.word()) && !cursor.isDone())
      readExpression(cursor, 'none')
  } else if (cursor.take('COMMENT')) cursor.needKind('text')
  else if (cursor.take('COLLATE')) readEntity(cursor)
  else if (cursor.take('CODEC') || cursor.take('STATISTICS')) readBracketedNames(cursor)
  else if (cursor.take('SETTINGS')) {
    cursor.needSymbol('(')
    readSettings(cursor)
    cursor.needSymbol(')')
  } else return false
  return true
}

/** `(LZ4, Delta(8))`: names of codecs or statistics, which are not functions. */
function readBracketedNames(cursor: Cursor): void {
  cursor.needSymbol('(')
  const { columns, functions } = cursor.seen
  const [columnCount, functionCount] = [columns.length, functions.length]
  if (isQueryNext(cursor)) cursor.fail()
  readExpressions(cursor)
  cursor.needSymbol(')')
  columns.length = columnCount
  functions.length = functionCount
}
