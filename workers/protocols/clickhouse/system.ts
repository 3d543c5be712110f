import type { Cursor } from './cursor.ts'
import { readEntity, readTable, skipCluster } from './names.ts'
import { seeHiddenTables } from './seen.ts'
import { skipRest } from './tail.ts'

/** Commands that act on the table named behind them, or on all when none is. */
const TABLE_COMMANDS = [
  ...['START', 'STOP'].flatMap((way) =>
    [
      ...['MERGES', 'TTL MERGES', 'MOVES', 'FETCHES', 'REPLICATED SENDS', 'REPLICATION QUEUES', 'DISTRIBUTED SENDS'],
      ...[
        'PULLING REPLICATION LOG',
        'CLEANUP',
        'VIEW',
        'REPLICATED VIEW',
        'VIRTUAL PARTS UPDATE',
        'REDUCE BLOCKING PARTS',
      ],
    ].map((what) => `${way} ${what}`),
  ),
  ...['SYNC REPLICA', 'SYNC TRANSACTION LOG', 'RESTART REPLICA', 'RESTORE REPLICA', 'FLUSH DISTRIBUTED', 'SYNC MERGES'],
  ...['RELOAD DICTIONARY', 'REFRESH VIEW', 'CANCEL VIEW', 'WAIT VIEW', 'LOAD PRIMARY KEY', 'UNLOAD PRIMARY KEY'],
  ...['FLUSH ASYNC INSERT QUEUE', 'PREWARM MARK CACHE', 'PREWARM PRIMARY INDEX CACHE', 'SCHEDULE MERGE'],
].map((command) => command.split(' '))

/** Commands of which nothing more than their words matters: they name no table. */
const PLAIN_COMMANDS =
  /^(FLUSH LOGS|SHUTDOWN|KILL|RELOAD (CONFIG|USERS|DICTIONARIES|MODELS?|FUNCTIONS?|EMBEDDED DICTIONARIES|ASYNCHRONOUS METRICS)|(START|STOP) (LISTEN|THREAD FUZZER|REPLICATED DDL QUERIES|VIEWS)|(DROP|CLEAR) (?!.*REPLICA)[A-Z_ ]*CACHE|JEMALLOC [A-Z ]+|SUSPEND|UNFREEZE|ENABLE FAILPOINT|DISABLE FAILPOINT|SYNC FILE CACHE|SYNC DATABASE REPLICA|WAIT LOADING PARTS|RESTART DISK|RESTART REPLICAS|INSTRUMENT|RESET COVERAGE)( |$)/

/** What follows SYSTEM. */
export function readSystem(cursor: Cursor): void {
  cursor.seen.isWrite = true
  for (const words of TABLE_COMMANDS) {
    if (!cursor.take(...words)) continue
    skipPlace(cursor)
    if (isEnd(cursor)) {
      seeHiddenTables(cursor.seen, true)
      return
    }
    if (cursor.takeKind('text')) {
      seeHiddenTables(cursor.seen, true)
      return
    }
    readTable(cursor, true)
    skipPlace(cursor)
    while (!isEnd(cursor) && OPTIONS.has(cursor.word())) skipRest(cursor)
    return
  }
  const words: string[] = []
  for (let at = 0; cursor.isKind('word', at) && at < 8; at += 1) words.push(cursor.word(at))
  if (!PLAIN_COMMANDS.test(words.join(' '))) seeHiddenTables(cursor.seen, true)
  if (words.length === 0) cursor.fail()
  skipRest(cursor)
}

const OPTIONS = new Set(['STRICT', 'LIGHTWEIGHT', 'PULL', 'IF', 'SET', 'UNSET', 'SETTINGS', 'FROM', 'PARTS'])

function skipPlace(cursor: Cursor): void {
  skipCluster(cursor)
  if (cursor.take('ON', 'VOLUME')) {
    readEntity(cursor)
    seeHiddenTables(cursor.seen, true)
  }
  cursor.take('IF', 'EXISTS')
}

function isEnd(cursor: Cursor): boolean {
  return cursor.isDone() || cursor.isWords('PARALLEL', 'WITH')
}
