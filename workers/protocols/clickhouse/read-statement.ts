import { readGrant } from './access.ts'
import { readAlter } from './alter.ts'
import { readCreate } from './create.ts'
import type { Cursor } from './cursor.ts'
import { readExpression } from './expression.ts'
import { readSource } from './from.ts'
import { readInsert } from './insert.ts'
import { readEntity } from './names.ts'
import { readQuery, readSetOperations } from './query.ts'
import { beginsQuery, readWith } from './select.ts'
import { readSettings } from './settings.ts'
import { readBackup, readDescribe, readExists, readShow } from './show.ts'
import { readSystem } from './system.ts'
import {
  readCheck,
  readDeleteFrom,
  readDrop,
  readOptimize,
  readRename,
  readTruncate,
  readUndrop,
  readUpdateTable,
} from './table-commands.ts'
import { readOutputTail, skipRest } from './tail.ts'

/** A statement's verb, and whether inline data took the rest of the text. */
export interface StatementHead {
  readonly verb: string
  readonly endsText: boolean
}

/**
 * Reads one whole statement up to its `;` or the end.
 * @throws NotUnderstood when a token is left over or its kind is not known
 */
export function readStatement(cursor: Cursor): StatementHead {
  const head = readOne(cursor)
  if (head.endsText) return head
  readOutputTail(cursor)
  while (cursor.take('PARALLEL', 'WITH')) {
    const other = readOne(cursor)
    if (other.endsText) cursor.fail()
    if (other.verb !== head.verb) cursor.seen.vague.add('verb')
    readOutputTail(cursor)
  }
  if (!cursor.isDone()) cursor.fail()
  return head
}

function readOne(cursor: Cursor): StatementHead {
  if (cursor.isWords('INSERT')) return readInsertion(cursor)
  if (beginsQuery(cursor)) return readWithOrQuery(cursor)
  if (cursor.isWords('EXPLAIN')) return readExplain(cursor)
  const verb = readOther(cursor)
  cursor.seen.verbs.push(verb)
  return { verb, endsText: false }
}

function readInsertion(cursor: Cursor): StatementHead {
  cursor.seen.verbs.push('insert')
  return { verb: 'insert', endsText: readInsert(cursor) === 'data' }
}

function readWithOrQuery(cursor: Cursor): StatementHead {
  // `WITH x AS (…) INSERT INTO t SELECT …` names x for the SELECT.
  if (cursor.isWords('WITH') && cursor.attempt(() => needInsertAfterWith(cursor))) return readInsertion(cursor)
  readQuery(cursor)
  readSetOperations(cursor)
  return { verb: 'select', endsText: false }
}

function needInsertAfterWith(cursor: Cursor): void {
  readWith(cursor)
  if (!cursor.isWords('INSERT')) cursor.fail()
}

const EXPLAIN_KINDS = [
  ['AST'],
  ['SYNTAX'],
  ['QUERY', 'TREE'],
  ['PLAN'],
  ['PIPELINE'],
  ['ESTIMATE'],
  ['CURRENT', 'TRANSACTION'],
]

/** EXPLAIN plans and does not run; only EXPLAIN ANALYZE does. */
function readExplain(cursor: Cursor): StatementHead {
  const { seen } = cursor
  cursor.need('EXPLAIN')
  const runs = cursor.take('ANALYZE')
  // EXPLAIN PIPELINE of an INSERT opens what it would write to: a file is created or emptied.
  const opens = cursor.isWords('PIPELINE')
  EXPLAIN_KINDS.some((words) => cursor.take(...words))
  if (cursor.isKind('word') && cursor.isSymbol('=', 1)) readSettings(cursor)
  const head = cursor.nest(() => (cursor.isDone() ? null : readOne(cursor)))
  if (!runs && !(opens && seen.isWrite)) {
    // Whatever is written would be written by another statement.
    seen.isWrite = false
    seen.isUnqualified = false
    seen.targets.length = 0
    seen.vague.delete('target_tables')
    const isQuery = seen.verbs.includes('select')
    seen.verbs.length = 0
    if (isQuery) seen.verbs.push('select')
  }
  seen.verbs.push('explain')
  return { verb: 'explain', endsText: head?.endsText ?? false }
}

type Reader = (cursor: Cursor) => void

/** Statements by their first word, the verb rules see, and how the rest is read. */
const STATEMENTS: ReadonlyMap<string, readonly [verb: string, read: Reader]> = new Map<
  string,
  readonly [string, Reader]
>([
  ['CREATE', ['create', readCreate]],
  ['ATTACH', ['create', (cursor) => readAs(cursor, 'attach', readCreate)]],
  ['REPLACE', ['create', readCreate]],
  ['DROP', ['drop', readDrop]],
  ['DETACH', ['drop', (cursor) => readAs(cursor, 'detach', readDrop)]],
  ['TRUNCATE', ['truncate', readTruncate]],
  ['RENAME', ['rename', readRename]],
  ['EXCHANGE', ['rename', readRename]],
  ['OPTIMIZE', ['optimize', readOptimize]],
  ['UNDROP', ['undrop', readUndrop]],
  ['DELETE', ['delete', readDeleteFrom]],
  ['UPDATE', ['update', readUpdateTable]],
  ['CHECK', ['check', readCheck]],
  ['SHOW', ['show', readShow]],
  ['DESCRIBE', ['describe', readDescribe]],
  ['DESC', ['describe', readDescribe]],
  ['EXISTS', ['exists', readExists]],
  ['SYSTEM', ['system', readSystem]],
  ['BACKUP', ['backup', readBackup]],
  ['RESTORE', ['restore', readBackup]],
  ['WATCH', ['watch', readWatch]],
  ['KILL', ['kill', readKill]],
  ['MOVE', ['move', readMove]],
  ['BEGIN', ['begin', (cursor) => void cursor.take('TRANSACTION')]],
  ['START', ['begin', (cursor) => cursor.need('TRANSACTION')]],
  ['COMMIT', ['commit', () => {}]],
  ['ROLLBACK', ['rollback', () => {}]],
])

function readOther(cursor: Cursor): string {
  const first = cursor.word()
  if (first === 'ALTER') {
    readAlter(cursor)
    return 'alter'
  }
  if (first === 'GRANT' || first === 'REVOKE') {
    readGrant(cursor)
    return first.toLowerCase()
  }
  if (first === 'SET') return readSet(cursor)
  if (first === 'USE') {
    cursor.next()
    if (!cursor.isDone() && cursor.isWords('DATABASE') && cursor.isKind('word', 1)) cursor.next()
    readEntity(cursor)
    return 'use'
  }
  const known = STATEMENTS.get(first)
  if (!known) return cursor.fail()
  cursor.next()
  known[1](cursor)
  return known[0]
}

function readAs(cursor: Cursor, verb: string, read: Reader): void {
  cursor.seen.verbs.push(verb)
  read(cursor)
}

/** SET changes the own session only, except for the roles other users start with. */
function readSet(cursor: Cursor): string {
  cursor.need('SET')
  if (cursor.take('ROLE')) {
    skipRest(cursor)
    return 'set role'
  }
  if (cursor.take('DEFAULT', 'ROLE')) {
    cursor.seen.isWrite = true
    skipRest(cursor)
  } else if (cursor.take('TRANSACTION', 'SNAPSHOT')) cursor.needKind('number')
  else readSettings(cursor)
  return 'set'
}

function readWatch(cursor: Cursor): void {
  readSource(cursor)
  if (cursor.take('EVENTS')) cursor.next()
  if (cursor.take('LIMIT')) cursor.needKind('number')
}

const KILLABLE = new Set(['QUERY', 'MUTATION', 'PART_MOVE_TO_SHARD', 'TRANSACTION'])
const KILL_MODES = new Set(['SYNC', 'ASYNC', 'TEST'])

function readKill(cursor: Cursor): void {
  cursor.seen.isWrite = true
  if (cursor.takeOneOf(KILLABLE) === '') cursor.fail()
  if (cursor.take('ON', 'CLUSTER')) readEntity(cursor)
  cursor.need('WHERE')
  readExpression(cursor)
  cursor.takeOneOf(KILL_MODES)
}

function readMove(cursor: Cursor): void {
  cursor.seen.isWrite = true
  if (!['USER', 'ROLE', 'QUOTA', 'SETTINGS', 'PROFILE', 'ROW', 'POLICY'].includes(cursor.word())) cursor.fail()
  skipRest(cursor)
}
