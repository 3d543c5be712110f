import { asList, asNode, type Node, textOf, unwrap } from './node.ts'
import { markTargets } from './relations.ts'
import type { Note, Walk } from './walk.ts'

/** What names columns, by node kind. */
export const columnNotes: { readonly [kind: string]: Note } = {
  ColumnRef: noteReference,
  A_Indirection: (node, walk) => {
    if (asList(node.indirection).some((item) => unwrap(item, 'A_Star') !== null)) walk.effects.columns.add('*')
    // (row).email
    for (const item of asList(node.indirection)) noteField(textOf(item), walk)
  },
  JoinExpr: (node, walk) => {
    for (const item of asList(node.usingClause)) noteName(textOf(item), walk)
    if (node.isNatural === true) walk.effects.columns.add('*')
  },
  ColumnDef: (node, walk) => noteName(node.colname, walk),
  IndexElem: (node, walk) => noteName(node.name, walk),
  AlterTableCmd: (node, walk) => {
    if (columnCommand.test(String(node.subtype))) noteName(node.name, walk)
  },
  AccessPriv: (node, walk) => noteNames(node.cols, walk),
  Constraint: (node, walk) => {
    // what a foreign key refers to is watched from then on
    markTargets(node.pktable, walk)
    for (const key of ['keys', 'including', 'fk_attrs', 'pk_attrs', 'fk_del_set_cols']) noteNames(node[key], walk)
  },
  StatsElem: (node, walk) => noteName(node.name, walk),
  VacuumRelation: (node, walk) => noteNames(node.va_cols, walk),
}

/** Kinds of ALTER TABLE commands whose name is that of a column. */
const columnCommand = /Column|NotNull|Statistics|Storage|Compression|Identity|Expression|^AT_(Res|S)etOptions/

/** Notes the columns an INSERT, UPDATE or MERGE action sets. */
export function noteAssigned(list: unknown, walk: Walk): void {
  for (const item of asList(list)) noteName(unwrap(item, 'ResTarget')?.name, walk)
}

/** Notes the columns of a table that a publication shows to others. */
export function notePublished(node: Node, walk: Walk): void {
  if (asList(node.columns).length > 0) noteNames(node.columns, walk)
  else walk.effects.columns.add('*')
}

/** Notes columns given as plain names. */
export function noteNames(list: unknown, walk: Walk): void {
  for (const item of asList(list)) noteName(textOf(item), walk)
}

function noteName(name: unknown, walk: Walk): void {
  if (typeof name === 'string' && name !== '') walk.effects.columns.add(name)
}

function noteReference(node: Node, walk: Walk): void {
  const last = asNode(asList(node.fields).at(-1))
  if (last === null) return
  if ('A_Star' in last) walk.effects.columns.add('*')
  else if (asList(node.fields).length > 1) noteField(textOf(last), walk)
  else noteName(textOf(last), walk)
}

/** Notes what follows the dot of a row: a column, or a function of the whole row, as in `orders.row_to_json`. */
function noteField(name: unknown, walk: Walk): void {
  noteName(name, walk)
  if (typeof name !== 'string' || !rowFunctions.has(name)) return
  walk.effects.columns.add('*')
  walk.effects.functions.add(name)
}

/** Functions that show of a row more than how often it is there. */
const rowFunctions = new Set([
  'row_to_json',
  'to_json',
  'to_jsonb',
  'json_agg',
  'json_agg_strict',
  'jsonb_agg',
  'jsonb_agg_strict',
  'json_build_array',
  'jsonb_build_array',
  'array_agg',
  'any_value',
  'concat',
  'hash_record',
  'hstore',
  'max',
  'min',
  'quote_literal',
  'quote_nullable',
  'record_out',
  'record_send',
])
