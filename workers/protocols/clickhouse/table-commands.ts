import { readAccessEntity } from './access.ts'
import { readAssignment } from './alter.ts'
import type { Cursor } from './cursor.ts'
import { readExpressions } from './expression.ts'
import { readEntity, readTable, skipCluster, skipCondition } from './names.ts'
import { readOperand } from './operand.ts'
import { readQualification } from './qualification.ts'
import { seeHiddenTables } from './seen.ts'
import { readPartition, skipRest } from './tail.ts'

const TABLE_KINDS = new Set(['TABLE', 'VIEW', 'DICTIONARY'])

/** What follows DROP or DETACH. A whole database takes along tables that are not named. */
export function readDrop(cursor: Cursor): void {
  cursor.seen.isWrite = true
  cursor.take('TEMPORARY')
  if (cursor.take('DATABASE')) {
    skipCondition(cursor)
    readEntity(cursor)
    seeHiddenTables(cursor.seen, true)
  } else if (
    cursor.take('FUNCTION') ||
    cursor.take('WORKLOAD') ||
    cursor.take('RESOURCE') ||
    cursor.take('NAMED', 'COLLECTION')
  ) {
    skipCondition(cursor)
    readEntity(cursor)
  } else if (cursor.take('INDEX')) {
    skipCondition(cursor)
    readEntity(cursor)
    cursor.need('ON')
    readTable(cursor, true)
  } else if (cursor.takeOneOf(TABLE_KINDS) !== '') {
    skipCondition(cursor)
    cursor.list(() => readTable(cursor, true))
  } else {
    readAccessEntity(cursor)
    return
  }
  skipCluster(cursor)
  cursor.take('PERMANENTLY')
  skipSync(cursor)
}

function skipSync(cursor: Cursor): void {
  if (!cursor.take('SYNC')) cursor.take('NO', 'DELAY')
}

/** What follows TRUNCATE. */
export function readTruncate(cursor: Cursor): void {
  cursor.seen.isWrite = true
  cursor.take('TEMPORARY')
  if (cursor.take('DATABASE') || cursor.take('ALL', 'TABLES', 'FROM') || cursor.take('TABLES', 'FROM')) {
    skipCondition(cursor)
    readEntity(cursor)
    seeHiddenTables(cursor.seen, true)
    cursor.take('NOT')
    if (cursor.take('LIKE') || cursor.take('ILIKE')) cursor.needKind('text')
  } else {
    cursor.take('TABLE')
    skipCondition(cursor)
    readTable(cursor, true)
  }
  skipCluster(cursor)
  skipSync(cursor)
}

/** What follows RENAME or EXCHANGE: both names of every pair are changed. */
export function readRename(cursor: Cursor): void {
  cursor.seen.isWrite = true
  if (cursor.take('DATABASE')) {
    skipCondition(cursor)
    seeHiddenTables(cursor.seen, true)
    cursor.list(() => readPair(cursor, readEntity))
  } else {
    if (!cursor.take('TABLES') && !cursor.take('DICTIONARIES') && !cursor.take('DICTIONARY')) cursor.take('TABLE')
    skipCondition(cursor)
    cursor.list(() => readPair(cursor, (at) => readTable(at, true)))
  }
  skipCluster(cursor)
}

function readPair(cursor: Cursor, read: (cursor: Cursor) => void): void {
  read(cursor)
  if (!cursor.take('TO')) cursor.need('AND')
  read(cursor)
}

/** What follows OPTIMIZE. */
export function readOptimize(cursor: Cursor): void {
  cursor.seen.isWrite = true
  cursor.need('TABLE')
  readTable(cursor, true)
  skipCluster(cursor)
  if (cursor.take('PARTITION')) readPartition(cursor, readOperand)
  for (;;) {
    if (cursor.take('FINAL') || cursor.take('FORCE') || cursor.take('CLEANUP')) continue
    if (!cursor.take('DEDUPLICATE')) return
    if (cursor.take('BY')) readExpressions(cursor)
  }
}

/** What follows UNDROP. */
export function readUndrop(cursor: Cursor): void {
  cursor.seen.isWrite = true
  cursor.need('TABLE')
  readTable(cursor, true)
  if (cursor.take('UUID')) cursor.needKind('text')
  skipCluster(cursor)
}

/** What follows `DELETE`. */
export function readDeleteFrom(cursor: Cursor): void {
  cursor.seen.isWrite = true
  cursor.need('FROM')
  readTable(cursor, true)
  skipCluster(cursor)
  if (cursor.take('IN', 'PARTITION')) readPartition(cursor, readOperand)
  readQualification(cursor)
}

/** What follows `UPDATE`. */
export function readUpdateTable(cursor: Cursor): void {
  cursor.seen.isWrite = true
  readTable(cursor, true)
  skipCluster(cursor)
  cursor.need('SET')
  cursor.list(() => readAssignment(cursor))
  if (cursor.take('IN', 'PARTITION')) readPartition(cursor, readOperand)
  readQualification(cursor)
}

/** What follows CHECK. */
export function readCheck(cursor: Cursor): void {
  if (cursor.take('GRANT')) {
    skipRest(cursor)
    return
  }
  if (cursor.take('ALL', 'TABLES')) {
    seeHiddenTables(cursor.seen)
    return
  }
  if (cursor.take('DATABASE')) {
    readEntity(cursor)
    seeHiddenTables(cursor.seen)
    return
  }
  cursor.need('TABLE')
  readTable(cursor)
  if (cursor.take('PARTITION') || cursor.take('PART')) readPartition(cursor, readOperand)
}
