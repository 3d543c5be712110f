import { readAccessEntity } from './access.ts'
import { readColumn, readConstraint, readIndex, readProjection } from './columns.ts'
import { readRefresh, readSecurity } from './create.ts'
import type { Cursor } from './cursor.ts'
import { readExpression } from './expression.ts'
import { readCompoundName, readEntity, readName, readTable, skipCluster, skipCondition } from './names.ts'
import { readOperand } from './operand.ts'
import { readQualification } from './qualification.ts'
import { readOrder, readQuery, readSetOperations } from './query.ts'
import { seeHiddenTables } from './seen.ts'
import { readSettings } from './settings.ts'
import { isOwnPath, readTtl } from './storage.ts'
import { readPartition, skipRest } from './tail.ts'

/** Reads `ALTER …`. */
export function readAlter(cursor: Cursor): void {
  cursor.need('ALTER')
  cursor.seen.isWrite = true
  cursor.take('TEMPORARY')
  if (cursor.take('TABLE')) {
    skipCondition(cursor)
    readTable(cursor, true)
    skipCluster(cursor)
    cursor.list(() => readCommandInBrackets(cursor))
  } else if (cursor.take('DATABASE')) {
    readEntity(cursor)
    skipCluster(cursor)
    cursor.need('MODIFY')
    if (cursor.take('COMMENT')) cursor.needKind('text')
    else {
      cursor.need('SETTING')
      readSettings(cursor)
    }
  } else if (cursor.take('NAMED', 'COLLECTION')) skipRest(cursor)
  else readAccessEntity(cursor)
}

function readCommandInBrackets(cursor: Cursor): void {
  if (!cursor.takeSymbol('(')) {
    readCommand(cursor)
    return
  }
  readCommand(cursor)
  cursor.needSymbol(')')
}

function readCommand(cursor: Cursor): void {
  const word = cursor.next()
  const read = word.kind === 'word' ? COMMANDS.get(word.value ?? '') : undefined
  if (read) read(cursor)
  else cursor.fail()
  if (cursor.take('SETTINGS')) readSettings(cursor)
}

const COMMANDS: ReadonlyMap<string, (cursor: Cursor) => void> = new Map([
  ['ADD', readAdd],
  ['MODIFY', readModify],
  ['ALTER', readAlterColumn],
  ['RENAME', readRenameColumn],
  ['COMMENT', readComment],
  ['RESET', readReset],
  ['REMOVE', (cursor) => (cursor.take('TTL') ? undefined : cursor.need('SAMPLE', 'BY'))],
  ['DELETE', readDelete],
  ['UPDATE', readUpdate],
  ['DROP', readDropPart],
  ['CLEAR', readDropPart],
  ['MATERIALIZE', readDropPart],
  ['DETACH', (cursor) => readPartCommand(cursor, 'detach')],
  ['ATTACH', (cursor) => readPartCommand(cursor, 'attach')],
  ['FREEZE', readFreeze],
  ['UNFREEZE', readFreeze],
  ['FETCH', (cursor) => readPartCommand(cursor, 'attach')],
  ['MOVE', (cursor) => readPartCommand(cursor, 'detach')],
  ['REPLACE', (cursor) => readPartCommand(cursor, 'attach')],
  ['FORGET', (cursor) => readPartCommand(cursor, 'drop')],
  ['REWRITE', (cursor) => cursor.need('PARTS')],
  ['APPLY', readApply],
])

function readAdd(cursor: Cursor): void {
  if (cursor.isWords('INDEX')) readIndex(cursor)
  else if (cursor.isWords('PROJECTION')) readProjection(cursor)
  else if (cursor.isWords('CONSTRAINT')) readConstraint(cursor)
  else if (cursor.take('STATISTICS')) readStatistics(cursor)
  else {
    cursor.need('COLUMN')
    skipCondition(cursor)
    readColumn(cursor)
  }
  readPlace(cursor)
}

function readPlace(cursor: Cursor): void {
  if (cursor.take('FIRST')) return
  if (cursor.take('AFTER')) readCompoundName(cursor)
}

function readStatistics(cursor: Cursor): void {
  skipCondition(cursor)
  if (cursor.take('ALL')) return
  cursor.list(() => cursor.seen.columns.push([readName(cursor)]))
  if (!cursor.take('TYPE')) return
  cursor.list(() => readName(cursor))
}

function readModify(cursor: Cursor): void {
  if (cursor.isWords('ORDER', 'BY')) readOrder(cursor)
  else if (cursor.take('SAMPLE', 'BY')) readExpression(cursor)
  else if (cursor.take('TTL')) readTtl(cursor)
  else if (cursor.take('SETTING') || cursor.take('SETTINGS')) readSettings(cursor)
  else if (cursor.take('COMMENT')) cursor.needKind('text')
  else if (cursor.take('REFRESH')) readRefresh(cursor)
  else if (cursor.isWords('DEFINER') || cursor.isWords('SQL', 'SECURITY')) readSecurity(cursor)
  else if (cursor.take('STATISTICS')) readStatistics(cursor)
  else if (cursor.take('QUERY')) {
    readQuery(cursor)
    readSetOperations(cursor)
  } else readAlterColumn(cursor)
}

function readAlterColumn(cursor: Cursor): void {
  cursor.take('COLUMN')
  skipCondition(cursor)
  if (cursor.word(1) === 'TYPE') {
    cursor.seen.columns.push([readName(cursor)])
    cursor.next()
    // `c TYPE UInt8`: the type and what follows it read like a column's.
    readColumn(cursor)
    cursor.seen.columns.pop()
  } else readColumn(cursor)
  if (cursor.take('REMOVE')) cursor.needKind('word')
  else if (cursor.take('MODIFY', 'SETTING')) readSettings(cursor)
  else if (cursor.take('RESET', 'SETTING')) cursor.list(() => readName(cursor))
  readPlace(cursor)
}

function readRenameColumn(cursor: Cursor): void {
  cursor.need('COLUMN')
  skipCondition(cursor)
  cursor.seen.columns.push([readCompoundName(cursor).join('.')])
  cursor.need('TO')
  cursor.seen.columns.push([readCompoundName(cursor).join('.')])
}

function readComment(cursor: Cursor): void {
  cursor.need('COLUMN')
  skipCondition(cursor)
  cursor.seen.columns.push([readCompoundName(cursor).join('.')])
  cursor.needKind('text')
}

function readReset(cursor: Cursor): void {
  cursor.need('SETTING')
  cursor.list(() => readName(cursor))
}

/** `[IN PARTITION p] WHERE …` */
function readDelete(cursor: Cursor): void {
  cursor.seen.verbs.push('delete')
  readInPartition(cursor)
  readQualification(cursor)
}

function readUpdate(cursor: Cursor): void {
  cursor.seen.verbs.push('update')
  cursor.list(() => readAssignment(cursor))
  readInPartition(cursor)
  readQualification(cursor)
}

/** `column = expr` of an UPDATE; `IN PARTITION` may follow it. */
export function readAssignment(cursor: Cursor): void {
  cursor.seen.columns.push([readCompoundName(cursor).join('.')])
  cursor.needSymbol('=')
  if (cursor.attempt(() => readExpressionBefore(cursor))) return
  readExpression(cursor)
}

function readExpressionBefore(cursor: Cursor): void {
  readOperand(cursor)
  if (!cursor.isWords('IN', 'PARTITION') && !cursor.isWords('WHERE') && !cursor.isSymbol(',')) cursor.fail()
}

function readInPartition(cursor: Cursor): void {
  if (cursor.take('IN', 'PARTITION')) readPartition(cursor, readOperand)
}

function readDropPart(cursor: Cursor): void {
  if (cursor.isWords('PARTITION') || cursor.isWords('PART') || cursor.isWords('DETACHED')) {
    readPartCommand(cursor, 'drop')
    return
  }
  if (cursor.take('TTL')) {
    readInPartition(cursor)
    return
  }
  if (cursor.take('STATISTICS')) {
    readStatistics(cursor)
    return
  }
  const isColumn = cursor.take('COLUMN')
  if (!isColumn && !cursor.take('INDEX') && !cursor.take('PROJECTION') && !cursor.take('CONSTRAINT')) cursor.fail()
  skipCondition(cursor)
  const name = readCompoundName(cursor).join('.')
  if (isColumn) cursor.seen.columns.push([name])
  readInPartition(cursor)
}

function readPartCommand(cursor: Cursor, verb: string): void {
  cursor.seen.verbs.push(verb)
  cursor.take('DETACHED')
  if (!cursor.take('PART')) cursor.need('PARTITION')
  readPartition(cursor, readOperand)
  if (cursor.take('FROM')) {
    const path = cursor.takeKind('text')
    if (path === null) readTable(cursor)
    else if (!isOwnPath(path.value, cursor.seen)) seeHiddenTables(cursor.seen)
  } else if (cursor.take('TO', 'TABLE')) readTable(cursor, true)
  else if (cursor.take('TO', 'DISK') || cursor.take('TO', 'VOLUME') || cursor.take('TO', 'SHARD'))
    cursor.needKind('text')
}

function readFreeze(cursor: Cursor): void {
  if (cursor.take('PARTITION')) readPartition(cursor, readOperand)
  if (cursor.take('WITH', 'NAME')) cursor.needKind('text')
}

function readApply(cursor: Cursor): void {
  if (!cursor.take('DELETED', 'MASK')) cursor.need('PATCHES')
  readInPartition(cursor)
}
