import { readDo, readFunction } from './bodies.ts'
import { noteFunctionName } from './calls.ts'
import { noteAssigned, noteNames } from './columns.ts'
import { type Effects, type Hidden, hide, hideAll, include } from './effects.ts'
import { asList, asNode, kindOf, type Node, nameParts, unwrap } from './node.ts'
import { isMergeUnqualified, isUnqualified } from './qualification.ts'
import { hideRelations, markTargets, noteObject, noteRelation } from './relations.ts'
import { notePath, schemasSet, setsPath } from './search-path.ts'
import { changesLexing } from './settings.ts'
import { isOn, statementKinds } from './statement-kinds.ts'
import type { Note, Walk } from './walk.ts'

/** The verb of a statement; null when its kind is not one we know. */
export function verbOf(tree: Node): string | null {
  const kind = kindOf(tree)
  return kind === null ? null : verbOfKind(kind, tree[kind] as Node)
}

function verbOfKind(kind: string, node: Node): string | null {
  const known = Object.hasOwn(statementKinds, kind) ? statementKinds[kind] : undefined
  if (known === undefined) return null
  return typeof known.verb === 'string' ? known.verb : known.verb(node)
}

/** What a statement of this kind does, on its own or inside another. */
export function noteStatement(kind: string): Note {
  return (node, walk) => {
    const known = statementKinds[kind]
    const verb = verbOfKind(kind, node)
    if (known === undefined || verb === null) return noteStrange(node, walk)
    // VALUES is a list of rows, not a query
    if (kind !== 'SelectStmt' || node.valuesLists === undefined) walk.effects.verbs.add(verb)
    if (known.writes === undefined || (known.writes !== false && known.writes(node))) walk.effects.isWrite = true
    for (const member of known.targets ?? ['relation']) markTargets(node[member], walk)
    return Object.hasOwn(particulars, kind) ? particulars[kind]?.(node, walk) : undefined
  }
}

/** A kind of statement nobody told us about: it may do anything. */
export const noteStrange: Note = (_node, walk) => {
  hideAll(walk.effects)
}

/** `SELECT … INTO`, wherever among the arms of a UNION it stands. */
export const noteInto: Note = (node, walk) => {
  markTargets(node.rel, walk)
  walk.effects.verbs.add('create')
  walk.effects.isWrite = true
}

/** What the table of kinds does not say. */
const particulars: { readonly [kind: string]: Note } = {
  InsertStmt: (node, walk) => noteAssigned(node.cols, walk),
  UpdateStmt: (node, walk) => {
    noteAssigned(node.targetList, walk)
    noteCondition(node, walk)
    // a rule of its own makes an UPDATE of this view set parameters
    if (asNode(node.relation)?.relname === 'pg_settings') walk.effects.changesLexing = true
  },
  DeleteStmt: noteCondition,
  MergeStmt: (node, walk) => {
    if (isMergeUnqualified(node)) walk.effects.isUnqualified = true
  },
  CopyStmt: noteCopy,
  CallStmt: (_node, walk) => hide(walk.effects, 'is_write'),
  DoStmt: readDo,
  CreateFunctionStmt: readFunction,
  ExplainStmt: noteExplain,
  PrepareStmt: notePrepare,
  ExecuteStmt: noteExecute,
  CreateTableAsStmt: (node, walk) => markTargets(asNode(node.into)?.rel, walk),
  VariableSetStmt: noteSet,
  DiscardStmt: (node, walk) => {
    if (node.target === 'DISCARD_ALL') walk.effects.verbs.add('set session authorization')
  },
  DropStmt: noteDrop,
  TruncateStmt: (node, walk) => noteCascade(node, walk),
  CommentStmt: (node, walk) => noteObject(node.objtype, node.object, walk),
  SecLabelStmt: (node, walk) => noteObject(node.objtype, node.object, walk),
  RenameStmt: noteRename,
  GrantStmt: noteGrant,
  CreateTrigStmt: (node, walk) => {
    noteFunctionName(nameParts(node.funcname) ?? [], walk)
    noteNames(node.columns, walk)
  },
  CreateStmt: (node, walk) => {
    // a partition or a child changes what it is a part of
    markTargets(node.inhRelations, walk)
  },
  AlterTableStmt: (node, walk) => {
    for (const item of asList(node.cmds)) {
      const command = unwrap(item, 'AlterTableCmd')
      markTargets(unwrap(command?.def, 'PartitionCmd')?.name ?? command?.def, walk)
      noteCascade(command, walk)
    }
  },
  VacuumStmt: hideWithout('rels'),
  ClusterStmt: hideWithout('relation'),
  ReindexStmt: hideWithout('relation'),
  ImportForeignSchemaStmt: (node, walk) => {
    if (node.list_type !== 'FDW_IMPORT_SCHEMA_LIMIT_TO') hideRelations(walk)
  },
  LoadStmt: (_node, walk) => hide(walk.effects, 'uses_program'),
  CreateForeignTableStmt: (node, walk) => markTargets(asNode(node.base)?.inhRelations, walk),
  AlterExtensionContentsStmt: (node, walk) => noteObject(node.objtype, node.object, walk),
  CreateExtensionStmt: hidesRelations,
  AlterExtensionStmt: hidesRelations,
  CreateSubscriptionStmt: hidesRelations,
  AlterSubscriptionStmt: hidesRelations,
  DropOwnedStmt: hidesRelations,
  ReassignOwnedStmt: hidesRelations,
  AlterTableMoveAllStmt: hidesRelations,
  DropdbStmt: hidesRelations,
}

function noteCondition(node: Node, walk: Walk): void {
  if (isUnqualified(node.whereClause)) walk.effects.isUnqualified = true
}

function noteCopy(node: Node, walk: Walk): void {
  if (node.is_from === true) markTargets(node.relation, walk)
  if (node.is_program === true) walk.effects.usesProgram = true
  if (asList(node.attlist).length > 0) noteNames(node.attlist, walk)
  else if (node.relation !== undefined && node.is_from !== true) walk.effects.columns.add('*')
}

/** Without ANALYZE nothing runs but what planning calls: functions of one's own, if they say they are immutable. */
function noteExplain(node: Node, walk: Walk): void {
  if (isOn(node.options, 'analyze')) return
  const explained = readPart(node, walk)
  for (const set of ['tables', 'columns', 'functions', 'aliases', 'bareTables'] as const) {
    for (const name of explained[set]) walk.effects[set].add(name)
  }
  for (const fact of explained.hidden) {
    if (!ofRunning.has(fact)) walk.effects.hidden.add(fact)
  }
}

/** What is said only of what runs. */
const ofRunning: ReadonlySet<Hidden> = new Set<Hidden>(['verbs', 'target_tables', 'is_unqualified', 'uses_program'])

function notePrepare(node: Node, walk: Walk): void {
  const body = readPart(node, walk)
  include(walk.effects, body)
  const { prepared } = walk.source
  const earlier = prepared.get(String(node.name))
  if (earlier === undefined) prepared.set(String(node.name), body)
  else include(earlier, body)
}

/** What the `query` of a statement does, on its own. */
function readPart(node: Node, walk: Walk): Effects {
  walk.done.add(node.query as object)
  return walk.source.read(node.query, walk.text, walk.source)
}

/** What was prepared under that name before this text is not known here. */
function noteExecute(node: Node, walk: Walk): void {
  const body = walk.source.prepared.get(String(node.name))
  if (body === undefined) hideAll(walk.effects)
  else include(walk.effects, body)
}

function noteSet(node: Node, walk: Walk): void {
  if (changesLexing(node)) walk.effects.changesLexing = true
  if (setsPath(node.name)) notePath(schemasSet(node), walk.effects)
  noteStoredSetting(node, walk)
}

/** Notes a setting that names a program or a library, wherever it is kept: archive_command, jit_provider, … */
export function noteStoredSetting(node: Node, walk: Walk): void {
  if (/_command$|librar|^jit_provider$/i.test(String(node.name))) walk.effects.usesProgram = true
}

function noteDrop(node: Node, walk: Walk): void {
  for (const object of asList(node.objects)) noteObject(node.removeType, object, walk)
  // its tables go with it
  if (node.removeType === 'OBJECT_EXTENSION') hideRelations(walk)
  noteCascade(node, walk)
}

/** CASCADE reaches what it does not name. */
function noteCascade(node: Node | null, walk: Walk): void {
  if (node?.behavior === 'DROP_CASCADE') hideRelations(walk)
}

function noteRename(node: Node, walk: Walk): void {
  if (String(node.renameType) === 'OBJECT_COLUMN') {
    walk.effects.columns.add(String(node.subname))
    walk.effects.columns.add(String(node.newname))
  } else if (node.relation !== undefined && node.subname === undefined) {
    noteRelation([String(node.newname)], true, walk)
  }
}

function noteGrant(node: Node, walk: Walk): void {
  const areRelations = node.objtype === 'OBJECT_TABLE' || node.objtype === 'OBJECT_SEQUENCE'
  if (areRelations && node.targtype !== 'ACL_TARGET_OBJECT') hideRelations(walk)
}

function hideWithout(member: string): Note {
  return (node, walk) => {
    if (node[member] === undefined) hideRelations(walk)
  }
}

function hidesRelations(_node: Node, walk: Walk): void {
  hideRelations(walk)
}
