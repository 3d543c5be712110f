import { hide } from './effects.ts'
import { asList, asNode, type Node, nameParts, textOf, unwrap } from './node.ts'
import type { Walk } from './walk.ts'

/** Notes a relation named in dotted parts, under every form a rule may know it by. */
export function noteRelation(parts: readonly string[], isTarget: boolean, walk: Walk): void {
  const leaf = parts.at(-1)
  if (leaf === undefined) return
  const forms = new Set([leaf, parts.slice(-2).join('.'), parts.join('.')])
  for (const form of forms) {
    walk.effects.tables.add(form)
    if (isTarget) walk.effects.targets.add(form)
  }
  walk.effects.aliases.add(leaf)
  if (parts.length > 1) return
  walk.effects.bareTables.add(leaf)
  if (isTarget) walk.effects.bareTargets.add(leaf)
}

/** Notes a `RangeVar`. */
export function noteRangeVar(node: Node, walk: Walk): void {
  const parts = [node.catalogname, node.schemaname, node.relname].filter((part) => typeof part === 'string')
  noteRelation(parts, walk.targets.has(node), walk)
}

/** Marks the relations directly in there as written: a relation, a list of them, or something that holds one. */
export function markTargets(value: unknown, walk: Walk): void {
  for (const item of Array.isArray(value) ? value : [value]) {
    const node = asNode(item)
    if (node === null) continue
    const relation = unwrap(node, 'RangeVar') ?? ('relname' in node ? node : null)
    if (relation !== null) walk.targets.add(relation)
    else markTargets(node.relation ?? asNode(node.VacuumRelation)?.relation ?? null, walk)
  }
}

/** Object types whose name is that of a relation. */
const relationTypes = new Set([
  'OBJECT_TABLE',
  'OBJECT_VIEW',
  'OBJECT_MATVIEW',
  'OBJECT_SEQUENCE',
  'OBJECT_INDEX',
  'OBJECT_FOREIGN_TABLE',
])

/** Object types named by a relation and a last part of their own. */
const partTypes = new Set(['OBJECT_COLUMN', 'OBJECT_TRIGGER', 'OBJECT_RULE', 'OBJECT_POLICY', 'OBJECT_TABCONSTRAINT'])

/** Notes the relation an object of DROP, COMMENT and the like belongs to, as written by it. */
export function noteObject(type: unknown, object: unknown, walk: Walk): void {
  const parts = nameParts(object)
  if (parts === null) return
  if (relationTypes.has(String(type))) noteRelation(parts, true, walk)
  if (!partTypes.has(String(type))) return
  noteRelation(parts.slice(0, -1), true, walk)
  if (type === 'OBJECT_COLUMN') walk.effects.columns.add(parts.at(-1) ?? '*')
}

/** Notes that it reaches relations it does not name. */
export function hideRelations(walk: Walk): void {
  hide(walk.effects, 'tables', 'target_tables')
}

/**
 * Notes the relation whose name a text argument is, e.g. of `nextval('orders_id_seq')`.
 * @param value the argument; anything but a constant hides the relations
 */
export function noteNamedRelation(value: unknown, isTarget: boolean, walk: Walk): void {
  const parts = partsOfText(constantText(value))
  if (parts !== null) noteRelation(parts, isTarget, walk)
  else if (isTarget) hideRelations(walk)
  else hide(walk.effects, 'tables')
}

/** The text of a constant, through a cast that leaves it as it is; null for anything else. */
export function constantText(value: unknown): string | null {
  const cast = unwrap(value, 'TypeCast')
  if (cast === null) return textOf(value)
  return keepsText(asNode(cast.typeName)) ? textOf(cast.arg) : null
}

/** Whether a text comes out of a cast to the type as written; `varchar(4)` and `name` cut it off. */
function keepsText(type: Node | null): boolean {
  const parts = nameParts(type?.names) ?? []
  if (type === null || type.typmods !== undefined || type.arrayBounds !== undefined || type.setof === true) return false
  return (parts.length === 1 || parts[0] === 'pg_catalog') && textTypes.has(parts.at(-1) ?? '')
}

const textTypes = new Set(['text', 'varchar', 'regclass', 'cstring', 'unknown'])

function partsOfText(text: string | null): readonly string[] | null {
  if (text === null) return null
  const parts: string[] = []
  for (const match of text.matchAll(/("(?:[^"]|"")+"|[^".\s][^".\s]*)(\.|$)/gy)) {
    const part = match[1] ?? ''
    const name = part.startsWith('"')
      ? part.slice(1, -1).replaceAll('""', '"')
      : part.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase())
    parts.push(cutName(name))
    // an oid instead of a name says nothing
    if (match[2] === '') return /^\d+$/.test(part) ? null : parts
  }
  return null
}

/** A name as the server keeps it: 63 bytes of whole characters; what is longer it cuts off. */
function cutName(name: string): string {
  const bytes = Buffer.from(name, 'utf8')
  if (bytes.length <= longestName) return name
  let end = longestName
  while (((bytes[end] ?? 0) & 0xc0) === 0x80) end--
  return bytes.toString('utf8', 0, end)
}

const longestName = 63

/** Notes the name a relation goes by, and whether its columns got other names. */
export function noteAlias(node: Node, walk: Walk): void {
  if (typeof node.aliasname === 'string') walk.effects.aliases.add(node.aliasname)
  // renamed columns are read under names that are not theirs
  if (asList(node.colnames).length > 0) walk.effects.columns.add('*')
}
