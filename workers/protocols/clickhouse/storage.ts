import type { Cursor } from './cursor.ts'
import { readExpression, readExpressions, type Shape } from './expression.ts'
import { readName, readTable } from './names.ts'
import { readOrder } from './query.ts'
import { type Seen, seeHiddenTables, seeTable } from './seen.ts'
import { readSettings } from './settings.ts'

/** ENGINE, keys, TTL, SETTINGS and COMMENT of a table, view or database, in any order; false when none comes. */
export function readStorage(cursor: Cursor): boolean {
  for (let count = 0; ; count += 1) {
    if (cursor.take('ENGINE')) {
      cursor.takeSymbol('=')
      readEngine(cursor)
    } else if (cursor.take('PARTITION', 'BY') || cursor.take('SAMPLE', 'BY')) readExpression(cursor, 'none')
    else if (cursor.isWords('ORDER', 'BY')) readOrder(cursor, 'none')
    else if (cursor.take('PRIMARY', 'KEY') || cursor.take('UNIQUE', 'KEY')) readExpression(cursor, 'none')
    else if (cursor.take('TTL')) readTtl(cursor)
    else if (cursor.take('SETTINGS')) readSettings(cursor)
    else if (cursor.take('COMMENT')) cursor.needKind('text')
    else return count > 0
  }
}

/** `expr [DELETE | TO DISK 'x' | TO VOLUME 'x' | RECOMPRESS … | GROUP BY … SET …] [WHERE …]`, with commas between. */
export function readTtl(cursor: Cursor): void {
  cursor.list(() => {
    readExpression(cursor, 'none')
    if (cursor.take('DELETE')) {
      // Nothing more to read than a condition.
    } else if (cursor.take('TO')) {
      if (!cursor.take('DISK')) cursor.need('VOLUME')
      cursor.take('IF', 'EXISTS')
      cursor.needKind('text')
    } else if (cursor.take('RECOMPRESS')) {
      cursor.need('CODEC')
      const { functions, columns } = cursor.seen
      const [functionCount, columnCount] = [functions.length, columns.length]
      readExpression(cursor)
      functions.length = functionCount
      columns.length = columnCount
    } else if (cursor.take('GROUP', 'BY')) readExpressions(cursor, 'none')
    if (cursor.take('WHERE')) readExpression(cursor, 'none')
    if (cursor.take('SET')) cursor.list(() => readExpression(cursor, 'none'))
  })
}

/** Engines that keep data on this server and neither reach out nor read other tables. */
const LOCAL_ENGINE =
  /^(replicated|shared)?(replacing|summing|aggregating|collapsing|versionedcollapsing|coalescing|graphite)?mergetree$|^(memory|log|tinylog|stripelog|null|set|join|generaterandom|view|materializedview|atomic|ordinary|lazy|shared|timeseries)$/

function readEngine(cursor: Cursor): void {
  const engine = readName(cursor).toLowerCase()
  const { seen } = cursor
  const shapes = cursor.takeSymbol('(') ? readEngineArguments(cursor) : []
  if (!LOCAL_ENGINE.test(engine)) seen.functions.push(engine)
  if (engine === 'executable' || engine === 'executablepool') seen.usesProgram = true
  if (REPLICATED.test(engine) && shapes[0] && !isOwnPath(shapes[0].kind === 'text' ? shapes[0].value : null, seen))
    seeHiddenTables(seen)
  if (SHARING.test(engine) && shapes.length > 0) seeHiddenTables(seen)
  if (
    shapes.some((shape) => shape.kind === 'text' && /^values$/i.test(shape.value ?? '')) &&
    !LOCAL_ENGINE.test(engine)
  )
    for (const set of ['tables', 'functions', 'columns'] as const) seen.vague.add(set)
  if (engine === 'distributed') seePair(cursor, shapes[1], shapes[2])
  else if (engine === 'buffer' || engine === 'alias' || engine === 'loop') seePair(cursor, shapes[0], shapes[1])
  else if (engine === 'dictionary' && shapes[0]) seePair(cursor, shapes[0], undefined)
  else if (engine === 'merge' || engine === 'queryrunner' || engine === 'remote' || engine === 'remotesecure')
    seeHiddenTables(seen)
}

const REPLICATED = /^replicated\w*mergetree$/
/** Engines whose arguments say whose data they share: a path in Keeper or on disk, a database, a backup. */
const SHARING = /^(keepermap|embeddedrocksdb|replicated|overlay|backup)$/

/** Whether a path in Keeper is that of the table written last: a replica of another one's path gets its data. */
export function isOwnPath(path: string | null, { targets }: Seen): boolean {
  const last = path?.toLowerCase().split('/').at(-1)
  return path?.includes('{uuid}') === true || last === '{table}' || (last !== undefined && last === nameIn(targets))
}

function nameIn(targets: readonly string[]): string | undefined {
  return targets.at(-1)?.split('.').at(-1)
}

function readEngineArguments(cursor: Cursor): readonly Shape[] {
  const shapes: Shape[] = []
  const from = cursor.seen.columns.length
  while (!cursor.isSymbol(')')) {
    shapes.push(readExpression(cursor))
    if (!cursor.takeSymbol(',')) break
  }
  cursor.needSymbol(')')
  cursor.seen.columns.length = from
  return shapes
}

function seePair(cursor: Cursor, first: Shape | undefined, second: Shape | undefined): void {
  const head = nameOf(first)
  const tail = nameOf(second)
  if (head && tail) seeTable(cursor.seen, [...head, ...tail])
  else if (head && !second) seeTable(cursor.seen, head)
  else seeHiddenTables(cursor.seen)
}

function nameOf(shape: Shape | undefined): readonly string[] | null {
  if (shape?.kind === 'name') return shape.parts
  return shape?.kind === 'text' && shape.value ? shape.value.split('.') : null
}

/** `TO db.t` and `INNER ENGINE …` of a materialized view. */
export function readViewTarget(cursor: Cursor): boolean {
  if (!cursor.take('TO')) return false
  if (cursor.take('INNER', 'UUID')) cursor.needKind('text')
  else readTable(cursor, true)
  return true
}
