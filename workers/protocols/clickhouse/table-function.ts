import type { Cursor } from './cursor.ts'
import { readExpression, type Shape } from './expression.ts'
import { readCompoundName } from './names.ts'
import { readQuery } from './query.ts'
import { joinName, type Seen, seeHiddenTables, seeTable } from './seen.ts'
import { beginsQuery } from './select.ts'
import { readSettings } from './settings.ts'

/** Reads a table function and notes it, the tables it names, and that they are hidden where they cannot be read. */
export function readTableFunction(cursor: Cursor, isTarget = false): void {
  cursor.nest(() => {
    const { seen } = cursor
    const parts = readCompoundName(cursor)
    const name = joinName(parts)
    seen.functions.push(name)
    cursor.needSymbol('(')
    const arguments_ = readArguments(cursor)
    const shapes = arguments_.map(({ shape }) => shape)
    cursor.needSymbol(')')
    if (name === 'eval') seen.vague.add('all')
    if (!EVALUATING.has(name)) checkTexts(seen, arguments_)
    if (PROGRAMS.has(name)) seen.usesProgram = true
    const naming = NAMING.get(name)
    if (naming) naming(cursor, shapes, isTarget)
    else if (!SELF_CONTAINED.has(name)) {
      // A view with parameters is called like a function: `by_user(id = 5)`.
      seeTable(seen, parts, isTarget)
      if (arguments_.some(({ text }) => !/^\w+\s*=/.test(text))) seeHiddenTables(seen, isTarget)
    }
  })
}

type Naming = (cursor: Cursor, shapes: readonly Shape[], isTarget: boolean) => void

const PROGRAMS = new Set(['executable', 'executablepool', 'python'])

/** Table functions that read nothing of this server by name, or only what their arguments show as queries. */
const SELF_CONTAINED = new Set(
  `azureblobstorage azureblobstoragecluster cosn deltalake deltalakeazure deltalakeazurecluster deltalakecluster
  deltalakelocal deltalakes3 deltalakes3cluster eval executable executablepool file filecluster filesystem format fuzzjson
  fuzzquery gcs generaterandom generateseries generate_series hdfs hdfscluster hudi hudicluster iceberg icebergazure
  icebergazurecluster icebergcluster iceberghdfs iceberghdfscluster iceberglocal iceberglocalcluster icebergs3
  icebergs3cluster input null numbers numbers_mt oss paimon paimonazure paimonazurecluster paimoncluster paimonhdfs
  paimonhdfscluster paimonlocal paimons3 paimons3cluster primes python redis s3 s3cluster url urlcluster values
  sqlstandardvalues view viewifpermitted viewexplain zeros zeros_mt`.split(/\s+/),
)

/** Table functions with tables in their arguments, and where. */
const NAMING: ReadonlyMap<string, Naming> = new Map([
  ...['remote', 'remotesecure', 'cluster', 'clusterallreplicas'].map((name) => [name, seeRemote] as const),
  ...['loop', 'mergetreeindex', 'mergetreeprojection', 'mergetreeanalyzeindexes', 'mergetreetextindex'].map(
    (name) => [name, seeLocal] as const,
  ),
  ...['mergetreecodecblockcounts', 'timeseriesdata', 'timeseriestags', 'timeseriesmetrics', 'timeseriessamples'].map(
    (name) => [name, seeLocal] as const,
  ),
  ...['timeseriesmetricfamilies', 'timeseriesselector', 'prometheusquery', 'prometheusqueryrange'].map(
    (name) => [name, seeLocal] as const,
  ),
  [
    'mongodb',
    (cursor, shapes, isTarget) => seeForeign(cursor, shapes.length < 5 ? shapes.slice(0, 2) : shapes, isTarget),
  ],
  ...['mysql', 'postgresql', 'odbc', 'jdbc', 'bigquery'].map((name) => [name, seeForeign] as const),
  ['sqlite', seeForeign],
  ['dictionary', (cursor, [first], isTarget) => seeQualified(cursor, first, isTarget)],
  ['merge', (cursor, _shapes, isTarget) => seeHiddenTables(cursor.seen, isTarget)],
])

/** One argument of a table function; `text` as written, empty for a query or another table function. */
interface Argument {
  readonly shape: Shape
  readonly text: string
}

/** Their arguments are queries or rows of expressions, which are read as such. */
const EVALUATING = new Set(['view', 'viewifpermitted', 'viewexplain', 'merge'])
const DEFAULTED = /\b(default|materialized|alias|ephemeral)\b/i
/** Calls that stand in arguments as settings do. */
const SETTING_CALL = /^(headers|extra_credentials|equals|env)$/

/** Structures may hold expressions (`'a String DEFAULT file(…)'`), data in the format Values whole queries. */
function checkTexts({ vague }: Seen, all: readonly Argument[]): void {
  for (const { shape, text } of all) {
    if (/^(?:format\s*=\s*)?(['"`]?)values\1$/i.test(text)) for (const set of EVALUATED) vague.add(set)
    const isCall = shape.kind === 'call' && !SETTING_CALL.test(shape.name)
    const isComputed = (isCall || shape.kind === 'other') && /['$].*(\|\||\+|,|\()/s.test(text)
    if ((/['$]/.test(text) && DEFAULTED.test(text)) || isComputed) for (const set of EVALUATED) vague.add(set)
  }
}
const EVALUATED = ['tables', 'functions', 'columns'] as const

function readArguments(cursor: Cursor): readonly Argument[] {
  const shapes: Argument[] = []
  while (!cursor.isSymbol(')')) {
    const from = cursor.seen.columns.length
    const { start } = cursor.peek()
    if (cursor.take('SETTINGS')) readSettings(cursor)
    else if (isTableFunctionNext(cursor)) {
      readTableFunction(cursor)
      shapes.push({ shape: { kind: 'call', name: '' }, text: '' })
    } else if (beginsQuery(cursor) && !cursor.isSymbol('(')) {
      readQuery(cursor)
      if (cursor.take('ELSE')) readTableFunction(cursor)
    } else {
      const shape = readExpression(cursor)
      // Here a name is a table's or a cluster's, not a column's.
      if (shape.kind === 'name') cursor.seen.columns.length = from
      shapes.push({ shape, text: cursor.text.slice(start, cursor.peek().start).trim() })
    }
    if (!cursor.takeSymbol(',')) break
  }
  return shapes
}

/** Whether a table function comes next where an expression could stand as well. */
export function isTableFunctionNext(cursor: Cursor): boolean {
  if ((!cursor.isKind('word') && !cursor.isKind('quoted')) || !cursor.isSymbol('(', 1)) return false
  const name = (cursor.peek().value ?? '').toLowerCase()
  return NAMING.has(name) || SELF_CONTAINED.has(name)
}

/** `(…, db.t)`, `(…, db, t)` or `(…, table_function(…))`. */
function seeRemote(cursor: Cursor, shapes: readonly Shape[], isTarget: boolean): void {
  const [, second, third] = shapes
  // `remote('host')` reads system.one.
  if (isNested(second)) {
    if (isTarget) seeHiddenTables(cursor.seen, true)
    return
  }
  if (shapes.length === 1 && shapes[0]?.kind !== 'other') seeTable(cursor.seen, ['system', 'one'], isTarget)
  else seeQualified(cursor, second, isTarget, third)
}

function seeLocal(cursor: Cursor, shapes: readonly Shape[], isTarget: boolean): void {
  const [first, second] = shapes
  if (isNested(first)) return
  seeQualified(cursor, first, isTarget, second)
  // `(t)` and `(db, t, more)` cannot always be told apart: with a second name both readings count.
  if (first?.kind === 'name' && first.parts.length === 1 && shapes.length > 1)
    seeTable(cursor.seen, first.parts, isTarget)
}

/** `('host:port', 'db', 'table', …)`: tables of another server. */
function seeForeign(cursor: Cursor, shapes: readonly Shape[], isTarget: boolean): void {
  const [, second, third] = shapes
  if (shapes.length === 2) seeQualified(cursor, second, isTarget)
  else if (isQueryText(second) || isQueryText(third)) seeHiddenTables(cursor.seen, isTarget)
  else seeQualified(cursor, second, isTarget, third)
}

/** Foreign servers take a query where a table is named. */
const isQueryText = (shape: Shape | undefined): boolean =>
  shape?.kind === 'text' && shape.value !== null && /[\s(`"]/.test(shape.value)

/** A table function among the arguments has shown its tables itself. */
const isNested = (shape: Shape | undefined): boolean => shape?.kind === 'call' && shape.name === ''

function seeQualified(cursor: Cursor, first: Shape | undefined, isTarget: boolean, second?: Shape): void {
  const head = nameOf(first)
  const tail = nameOf(second)
  if (head === null || (second !== undefined && head.length === 1 && tail === null))
    seeHiddenTables(cursor.seen, isTarget)
  else seeTable(cursor.seen, head.length === 1 && tail ? [...head, ...tail] : head, isTarget)
}

function nameOf(shape: Shape | undefined): readonly string[] | null {
  // Here a quoted name may hold both: `db.t`.
  if (shape?.kind === 'name') return shape.parts.flatMap((part) => part.split('.'))
  return shape?.kind === 'text' && shape.value ? shape.value.split('.') : null
}
