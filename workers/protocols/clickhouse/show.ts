import type { Cursor } from './cursor.ts'
import { readExpression } from './expression.ts'
import { readSource } from './from.ts'
import { readCompoundName, readEntity, readName, readTable, skipCondition } from './names.ts'
import { seeHiddenTables, seeTable } from './seen.ts'
import { readSettings } from './settings.ts'
import { skipRest } from './tail.ts'

const ACCESS = new Set(
  'USER USERS ROLE ROLES QUOTA QUOTAS PROFILE PROFILES SETTINGS POLICY POLICIES ROW MASKING'.split(' '),
)
const KINDS = new Set(['TABLE', 'VIEW', 'DICTIONARY', 'TEMPORARY'])
const COLUMN_LISTS = new Set(['COLUMNS', 'FIELDS', 'INDEX', 'INDEXES', 'INDICES', 'KEYS'])

/** What follows SHOW. */
export function readShow(cursor: Cursor): void {
  if (cursor.take('CREATE')) {
    readShowCreate(cursor)
    return
  }
  cursor.take('EXTENDED')
  cursor.take('FULL')
  if (cursor.takeOneOf(COLUMN_LISTS) !== '') readColumnList(cursor)
  else if (KINDS.has(cursor.word()) && cursor.word(1) !== 'TABLES') {
    readShowCreate(cursor)
    return
  } else if (
    cursor.isWords('GRANTS') ||
    cursor.isWords('ACCESS') ||
    cursor.isWords('CURRENT') ||
    cursor.isWords('ENABLED')
  ) {
    skipRest(cursor)
    return
  } else readSubject(cursor)
  readFilters(cursor)
}

function readShowCreate(cursor: Cursor): void {
  if (ACCESS.has(cursor.word())) {
    skipRest(cursor)
    return
  }
  if (cursor.take('DATABASE') || cursor.take('FUNCTION') || cursor.take('NAMED', 'COLLECTION')) readEntity(cursor)
  else {
    while (cursor.takeOneOf(KINDS) !== '');
    readTable(cursor)
  }
}

function readColumnList(cursor: Cursor): void {
  if (!cursor.take('FROM')) cursor.need('IN')
  const parts = readCompoundName(cursor)
  if (cursor.take('FROM') || cursor.take('IN')) seeTable(cursor.seen, [readName(cursor), ...parts])
  else seeTable(cursor.seen, parts)
}

/** `TABLES`, `DATABASES`, `PROCESSLIST`, `SETTING name`: words that name no table. */
function readSubject(cursor: Cursor): void {
  let count = cursor.take('SETTINGS') || cursor.take('CHANGED', 'SETTINGS') ? 1 : 0
  while (cursor.isKind('word') && !FILTERS.has(cursor.word())) {
    cursor.next()
    count += 1
  }
  if (count === 0 || count > 3) cursor.fail()
  if (cursor.take('FROM') || cursor.take('IN')) readEntity(cursor)
  cursor.takeKind('text')
}

const FILTERS = new Set('FROM IN NOT LIKE ILIKE WHERE LIMIT FORMAT INTO SETTINGS PARALLEL'.split(' '))

function readFilters(cursor: Cursor): void {
  for (;;) {
    if (cursor.isWords('NOT') || cursor.isWords('LIKE') || cursor.isWords('ILIKE')) {
      cursor.take('NOT')
      if (!cursor.take('LIKE')) cursor.need('ILIKE')
      cursor.needKind('text')
    } else if (cursor.take('WHERE') || cursor.take('LIMIT')) readExpression(cursor)
    else return
  }
}

/** What follows DESCRIBE or DESC. */
export function readDescribe(cursor: Cursor): void {
  if (cursor.take('FILESYSTEM', 'CACHE')) {
    cursor.needKind('text')
    return
  }
  if (cursor.isWords('TABLE') && (cursor.isKind('word', 1) || cursor.isKind('quoted', 1) || cursor.isSymbol('(', 1))) {
    if (!['FORMAT', 'SETTINGS', 'INTO'].includes(cursor.word(1))) cursor.next()
  }
  readSource(cursor)
}

/** What follows EXISTS. */
export function readExists(cursor: Cursor): void {
  if (cursor.take('DATABASE')) {
    readEntity(cursor)
    return
  }
  if (cursor.take('FUNCTION') || ACCESS.has(cursor.word())) {
    cursor.fail()
    return
  }
  while (
    KINDS.has(cursor.word()) &&
    (cursor.isKind('word', 1) || cursor.isKind('quoted', 1) || cursor.isSymbol('{', 1))
  ) {
    if (FILTERS.has(cursor.word(1))) break
    cursor.next()
  }
  skipCondition(cursor)
  readTable(cursor)
}

/** What follows BACKUP or RESTORE. */
export function readBackup(cursor: Cursor): void {
  const { seen } = cursor
  seen.isWrite = true
  cursor.list(() => {
    if (cursor.isWords('ALL') || cursor.isWords('DATABASE') || cursor.isWords('TEMPORARY')) {
      seeHiddenTables(seen, true)
      while (!cursor.isWords('TO') && !cursor.isWords('FROM') && !cursor.isWords('ON') && !cursor.isSymbol(',')) {
        if (cursor.isDone()) cursor.fail()
        cursor.next()
      }
      return
    }
    if (!cursor.take('TABLE') && !cursor.take('VIEW') && !cursor.take('DICTIONARY')) cursor.fail()
    readTable(cursor, true)
    if (cursor.take('AS')) readTable(cursor, true)
    if (cursor.take('PARTITION') || cursor.take('PARTITIONS')) cursor.list(() => cursor.needKind('text'))
  })
  if (cursor.take('ON', 'CLUSTER')) readEntity(cursor)
  if (!cursor.take('TO')) cursor.need('FROM')
  readExpression(cursor)
  if (cursor.take('SETTINGS')) readSettings(cursor)
  if (!cursor.take('ASYNC')) cursor.take('SYNC')
}
