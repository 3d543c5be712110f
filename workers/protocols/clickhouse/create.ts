import { readAccessEntity } from './access.ts'
import { readDefinitions } from './columns.ts'
import type { Cursor } from './cursor.ts'
import { readDictionary } from './dictionary.ts'
import { readExpression } from './expression.ts'
import { readEntity, readTable, skipCluster, skipCondition } from './names.ts'
import { readOperand } from './operand.ts'
import { readQuery, readSetOperations } from './query.ts'
import { seeHiddenTables } from './seen.ts'
import { beginsQuery } from './select.ts'
import { readStorage, readViewTarget } from './storage.ts'
import { readTableFunction } from './table-function.ts'
import { skipRest } from './tail.ts'

/** Reads what follows CREATE, ATTACH or REPLACE. */
export function readCreate(cursor: Cursor): void {
  cursor.seen.isWrite = true
  cursor.take('OR', 'REPLACE')
  cursor.take('TEMPORARY')
  if (cursor.take('TABLE')) readTableBody(cursor)
  else if (
    cursor.take('VIEW') ||
    cursor.take('MATERIALIZED', 'VIEW') ||
    cursor.take('LIVE', 'VIEW') ||
    cursor.take('WINDOW', 'VIEW')
  ) {
    readView(cursor)
  } else if (cursor.take('DICTIONARY')) readDictionary(cursor)
  else if (cursor.take('DATABASE')) readDatabase(cursor)
  else if (cursor.take('FUNCTION')) readFunction(cursor)
  else if (cursor.take('INDEX') || cursor.take('UNIQUE', 'INDEX')) readLooseIndex(cursor)
  else if (cursor.take('NAMED', 'COLLECTION') || cursor.take('WORKLOAD') || cursor.take('RESOURCE')) skipRest(cursor)
  else readAccessEntity(cursor)
}

function readTableBody(cursor: Cursor): void {
  skipCondition(cursor)
  readTable(cursor, true)
  skipIdentity(cursor)
  if (cursor.isSymbol('(') && !beginsQuery(cursor)) readDefinitions(cursor)
  readStorage(cursor)
  readSourceOfTable(cursor)
  readStorage(cursor)
}

/** `UUID '…'`, `ON CLUSTER x`, `FROM '/path'`, `AS REPLICATED`. */
function skipIdentity(cursor: Cursor): void {
  if (cursor.take('UUID')) readPlaceOfData(cursor)
  skipCluster(cursor)
  if (cursor.take('FROM')) readPlaceOfData(cursor)
  if (cursor.take('AS', 'REPLICATED') || cursor.take('AS', 'NOT', 'REPLICATED')) return
}

/** Data found by a path or UUID may be any table's. */
function readPlaceOfData(cursor: Cursor): void {
  cursor.needKind('text')
  seeHiddenTables(cursor.seen)
}

function readSourceOfTable(cursor: Cursor): void {
  const isEmpty = cursor.isWords('EMPTY', 'AS')
  if (isEmpty) cursor.next()
  cursor.take('CLONE')
  if (!cursor.take('AS')) {
    if (beginsQuery(cursor)) readBody(cursor)
    return
  }
  if (beginsQuery(cursor)) {
    readBody(cursor)
    return
  }
  let at = 0
  while ((cursor.isKind('word', at) || cursor.isKind('quoted', at)) && cursor.isSymbol('.', at + 1)) at += 2
  if (cursor.isSymbol('(', at + 1)) readTableFunction(cursor)
  else readTable(cursor)
}

function readBody(cursor: Cursor): void {
  readQuery(cursor)
  readSetOperations(cursor)
}

function readView(cursor: Cursor): void {
  skipCondition(cursor)
  readTable(cursor, true)
  skipIdentity(cursor)
  for (;;) {
    if (cursor.isSymbol('(') && !beginsQuery(cursor)) readDefinitions(cursor)
    else if (cursor.take('REFRESH')) readRefresh(cursor)
    else if (cursor.isWords('DEFINER') || cursor.isWords('SQL', 'SECURITY')) readSecurity(cursor)
    else if (cursor.take('POPULATE') || cursor.take('EMPTY') || cursor.take('APPEND')) continue
    else if (cursor.take('INNER')) readStorage(cursor)
    else if (!readStorage(cursor) && !readViewTarget(cursor)) break
  }
  cursor.need('AS')
  readBody(cursor)
  readStorage(cursor)
}

/** `EVERY 1 HOUR OFFSET 5 MINUTE RANDOMIZE FOR 10 SECOND DEPENDS ON a, b SETTINGS …`, after REFRESH. */
export function readRefresh(cursor: Cursor): void {
  if (!cursor.take('EVERY')) cursor.need('AFTER')
  readPeriod(cursor)
  if (cursor.take('OFFSET')) readPeriod(cursor)
  if (cursor.take('RANDOMIZE', 'FOR')) readPeriod(cursor)
  if (cursor.take('DEPENDS', 'ON')) cursor.list(() => readTable(cursor))
}

function readPeriod(cursor: Cursor): void {
  while (cursor.takeKind('number')) cursor.needKind('word')
}

/** `DEFINER = user SQL SECURITY DEFINER`, in either order. */
export function readSecurity(cursor: Cursor): void {
  for (;;) {
    if (cursor.take('DEFINER')) {
      cursor.takeSymbol('=')
      readEntity(cursor)
    } else if (cursor.take('SQL', 'SECURITY')) readEntity(cursor)
    else return
  }
}

function readDatabase(cursor: Cursor): void {
  skipCondition(cursor)
  readEntity(cursor)
  skipIdentity(cursor)
  readStorage(cursor)
  if (cursor.isWords('TABLE', 'OVERRIDE')) cursor.fail()
}

function readFunction(cursor: Cursor): void {
  skipCondition(cursor)
  readEntity(cursor)
  skipCluster(cursor)
  // Other languages are programs: `LANGUAGE WASM …`.
  if (!cursor.take('AS')) {
    cursor.seen.usesProgram = true
    cursor.seen.vague.add('tables').add('functions').add('columns')
    skipRest(cursor)
    return
  }
  readExpression(cursor, 'none')
}

function readLooseIndex(cursor: Cursor): void {
  skipCondition(cursor)
  readEntity(cursor)
  cursor.need('ON')
  readTable(cursor, true)
  skipCluster(cursor)
  readOperand(cursor)
  if (cursor.take('TYPE')) readOperand(cursor)
  if (cursor.take('GRANULARITY')) cursor.needKind('number')
}
