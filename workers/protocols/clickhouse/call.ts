import type { Cursor } from './cursor.ts'
import { readExpression, type Shape, seeSet } from './expression.ts'
import { readType } from './names.ts'
import { readOperand } from './operand.ts'
import { isQueryNext, readOrder, readQuery } from './query.ts'
import { joinName, type Seen, seeHiddenTables, seeTable } from './seen.ts'
import { readSettings } from './settings.ts'
import { readOver } from './window.ts'
import { UNITS } from './word-forms.ts'

/** Reads the rest of `name(…)`: arguments, parameters, and the clauses that may follow a call. */
export function readCall(cursor: Cursor, parts: readonly string[]): Shape {
  const { seen } = cursor
  const name = joinName(parts)
  seen.functions.push(name)
  cursor.needSymbol('(')
  const shapes = readArguments(cursor, name)
  cursor.needSymbol(')')
  // A parametric call: quantile(0.9)(x).
  if (cursor.takeSymbol('(')) {
    readArguments(cursor, name)
    cursor.needSymbol(')')
  }
  seeNamedTables(cursor, name, shapes)
  readTail(cursor)
  return { kind: 'call', name }
}

function readTail(cursor: Cursor): void {
  for (;;) {
    if (cursor.take('IGNORE', 'NULLS') || cursor.take('RESPECT', 'NULLS')) continue
    if (cursor.isWords('FILTER') && cursor.isSymbol('(', 1)) {
      cursor.need('FILTER')
      cursor.needSymbol('(')
      cursor.need('WHERE')
      readExpression(cursor)
      cursor.needSymbol(')')
    } else if (cursor.isWords('OVER')) {
      readOver(cursor)
      return
    } else return
  }
}

const UNIT_FIRST = /^(date|timestamp)_?(add|sub|diff)$|^(age|extract|datename|date_trunc)$/
const SIDES = new Set(['BOTH', 'LEADING', 'TRAILING'])
const FROM_WORDS = new Set(['FROM', 'FOR', 'IN', 'USING', 'PLACING'])

function readArguments(cursor: Cursor, name: string): readonly Shape[] {
  const shapes: Shape[] = []
  if (cursor.isSymbol(')')) return shapes
  if (isQueryNext(cursor)) {
    readQuery(cursor)
    return shapes
  }
  if (name === 'count' && cursor.isSymbol('*') && cursor.isSymbol(')', 1)) {
    cursor.next()
    return shapes
  }
  if (!cursor.isSymbol(',', 1) && !cursor.isSymbol(')', 1)) {
    if (!cursor.take('DISTINCT')) cursor.take('ALL')
  }
  if (UNIT_FIRST.test(name) && UNITS.has(cursor.word()) && (cursor.isSymbol(',', 1) || cursor.word(1) === 'FROM'))
    cursor.next()
  else if (name === 'trim' && SIDES.has(cursor.word()) && !cursor.isSymbol(',', 1)) {
    cursor.next()
    if (!cursor.isWords('FROM')) shapes.push(readExpression(cursor))
  } else shapes.push(readArgument(cursor, name))
  while (takeSeparator(cursor)) {
    if (cursor.isSymbol(')')) break
    if (cursor.take('SETTINGS')) readSettings(cursor)
    else shapes.push(readExpression(cursor))
  }
  if (cursor.isWords('ORDER', 'BY')) readOrder(cursor)
  return shapes
}

function readArgument(cursor: Cursor, name: string): Shape {
  if (name === 'position' && cursor.attempt(() => readNeedle(cursor))) return { kind: 'other' }
  if (name !== 'cast' && name !== 'try_cast') return readExpression(cursor)
  const shape = readExpression(cursor, 'none')
  if (!cursor.take('AS')) return shape
  // `CAST(x AS y AS String)` names x on the way.
  readType(cursor)
  if (cursor.take('AS')) readType(cursor)
  return shape
}

/** `position('needle' IN hay)`: here IN parts the arguments. */
function readNeedle(cursor: Cursor): void {
  readOperand(cursor)
  if (!cursor.isWords('IN')) cursor.fail()
}

function takeSeparator(cursor: Cursor): boolean {
  return cursor.takeSymbol(',') || cursor.takeOneOf(FROM_WORDS) !== ''
}

const SET_FUNCTION = /^(global)?(not)?(null)?in(ignoreset)?$/i
/** They take a function by its bare name as well: `arrayMap(file, ['/etc/passwd'])`. */
const HIGHER_ORDER =
  /^(array(map|filter|count|exists|all|first|last|min|max|sum|avg|product|fold|fill|split|compact|cumsum|difference|reverse|sort|partial|zip|auc|uniq|reduce)|map(apply|filter|exists|all|sort|reverse|partial|contains))/

/** Notes that a name stands for a function; it may be a column's as well. */
export function seeFunctionByName(seen: Seen, shape: Shape): void {
  if (shape.kind !== 'name' || shape.parts.length > 1) return
  const name = joinName(shape.parts)
  seen.functions.push(name)
  // Which tables it reads is in values nobody sees here.
  if (SET_FUNCTION.test(name) || TABLE_READER.test(name)) seeHiddenTables(seen)
}
const TABLE_READER = /^joinget|^dict(get|has|isin)/

/** Functions that name a table in an argument. */
function seeNamedTables(cursor: Cursor, name: string, shapes: readonly Shape[]): void {
  const [first, second] = shapes
  if (HIGHER_ORDER.test(name)) for (const shape of shapes.slice(0, -1)) seeFunctionByName(cursor.seen, shape)
  if (SET_FUNCTION.test(name)) {
    if (second) seeSet(cursor.seen, second)
  } else if (TABLE_READER.test(name)) {
    if (first?.kind === 'text' && first.value !== null) seeTable(cursor.seen, first.value.split('.'))
    else if (first?.kind === 'name') seeTable(cursor.seen, first.parts)
    else seeHiddenTables(cursor.seen)
  } else if (name === 'hascolumnintable') {
    const names = shapes.map((shape) => (shape.kind === 'text' ? shape.value : null))
    const [database = null, table = null] = names.length > 3 ? [null] : names
    if (database === null || table === null) seeHiddenTables(cursor.seen)
    else seeTable(cursor.seen, [database, table])
  } else if (/^arrayreduce|^initializeaggregation/.test(name)) {
    if (first?.kind === 'text' && first.value !== null)
      cursor.seen.functions.push(first.value.replace(/\(.*/, '').toLowerCase())
    else cursor.seen.vague.add('functions')
  }
}
