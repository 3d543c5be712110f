import type { Cursor } from './cursor.ts'
import { readExpression } from './expression.ts'
import { readEntity, readName, skipCluster, skipCondition } from './names.ts'
import { seeHiddenTables, seeTable } from './seen.ts'
import { skipRest } from './tail.ts'

const POLICY_KINDS = new Set(['PERMISSIVE', 'RESTRICTIVE'])

/** Reads what follows CREATE, ALTER or DROP for users, roles, quotas, profiles and policies. */
export function readAccessEntity(cursor: Cursor): void {
  cursor.seen.isWrite = true
  if (cursor.take('ROW', 'POLICY') || cursor.take('POLICY') || cursor.take('MASKING', 'POLICY')) {
    readPolicy(cursor)
    return
  }
  const isKnown =
    cursor.take('USER') || cursor.take('ROLE') || cursor.take('QUOTA') || cursor.take('SETTINGS', 'PROFILE')
  if (!isKnown) cursor.need('PROFILE')
  skipRest(cursor)
}

function readPolicy(cursor: Cursor): void {
  skipCondition(cursor)
  cursor.take('OR', 'REPLACE')
  cursor.list(() => {
    cursor.list(() => readEntity(cursor))
    skipCluster(cursor)
    cursor.need('ON')
    readGrantTarget(cursor)
  })
  for (;;) {
    if (cursor.take('RENAME', 'TO')) readEntity(cursor)
    else if (cursor.take('AS')) {
      if (cursor.takeOneOf(POLICY_KINDS) === '') cursor.fail()
    } else if (cursor.take('FOR')) {
      if (!cursor.take('ALL')) cursor.need('SELECT')
    } else if (cursor.take('UPDATE')) cursor.list(() => readExpression(cursor))
    else if (cursor.take('USING') || cursor.take('WHERE')) {
      if (!cursor.take('NONE')) readExpression(cursor, 'none')
    } else if (cursor.take('IN') || cursor.take('FROM')) readEntity(cursor)
    else if (cursor.take('PRIORITY')) cursor.needKind('number')
    else break
  }
  if (cursor.take('TO')) skipRest(cursor)
}

/** `db.t`, `t`, `db.*`, `*.*`, `*`, `db.prefix*`: whole databases and prefixes hide which tables are meant. */
export function readGrantTarget(cursor: Cursor): void {
  const parts: string[] = []
  let hasStar = false
  do {
    if (cursor.isKind('word') || cursor.isKind('quoted')) parts.push(readName(cursor))
    else if (!cursor.isSymbol('*')) cursor.fail()
    while (cursor.takeSymbol('*')) hasStar = true
  } while (cursor.takeSymbol('.'))
  if (hasStar) seeHiddenTables(cursor.seen, true)
  else seeTable(cursor.seen, parts, true)
}

/** `GRANT …` and `REVOKE …`: privileges on tables, roles, current grants. */
export function readGrant(cursor: Cursor): void {
  if (!cursor.take('GRANT')) cursor.need('REVOKE')
  cursor.seen.isWrite = true
  skipCluster(cursor)
  for (;;) {
    cursor.list(() => readPrivilege(cursor))
    if (!cursor.take('ON')) break
    readGrantTarget(cursor)
    if (!cursor.takeSymbol(',')) break
  }
  if (!cursor.take('TO')) cursor.need('FROM')
  skipRest(cursor)
}

function readPrivilege(cursor: Cursor): void {
  if (cursor.take('CURRENT', 'GRANTS')) {
    if (cursor.takeSymbol('(')) {
      cursor.list(() => {
        readPrivilege(cursor)
        if (cursor.take('ON')) readGrantTarget(cursor)
      })
      cursor.needSymbol(')')
    } else seeHiddenTables(cursor.seen, true)
    return
  }
  let count = 0
  for (; !['ON', 'TO', 'FROM'].includes(cursor.word()) || (count === 0 && !cursor.isWords('ON')); count += 1) {
    if (cursor.isSymbol(',') || cursor.isSymbol('(') || cursor.isSymbol(')')) break
    readEntity(cursor)
  }
  if (count === 0) cursor.fail()
  if (!cursor.takeSymbol('(')) return
  cursor.list(() => cursor.seen.columns.push([readName(cursor)]))
  cursor.needSymbol(')')
}
