import { noteCall, noteOperator } from './calls.ts'
import { columnNotes, noteAssigned, notePublished } from './columns.ts'
import type { Node } from './node.ts'
import { noteInto, noteStatement, noteStoredSetting, noteStrange } from './note-statement.ts'
import { noteAlias, noteObject, noteRangeVar } from './relations.ts'
import type { ReadStatement } from './source.ts'
import { statementKinds } from './statement-kinds.ts'
import { type Note, newWalk, walkTree } from './walk.ts'

/**
 * Gathers what one statement does, with everything inside it.
 * @param text its own text, as the trees of procedural bodies are read from it
 */
export const readStatement: ReadStatement = (tree, text, source) => {
  const walk = newWalk(source, text)
  walkTree(tree, walk, noteOf)
  return walk.effects
}

/** What every kind of node that is not a statement says. */
const notes: { readonly [kind: string]: Note } = {
  ...columnNotes,
  RangeVar: noteRangeVar,
  FuncCall: noteCall,
  A_Expr: (node, walk) => noteOperator(node.name, walk),
  SubLink: (node, walk) => noteOperator(node.operName, walk),
  SortBy: (node, walk) => noteOperator(node.useOp, walk),
  DefElem: (node, walk) => {
    // a foreign table of file_fdw reads what a program prints
    if (node.defname === 'program') walk.effects.usesProgram = true
    // a sequence that goes with a column of another table
    if (node.defname === 'owned_by') noteObject('OBJECT_COLUMN', node.arg, walk)
  },
  ReturningOption: (node, walk) => {
    walk.effects.aliases.add(String(node.value))
  },
  // these name aliases, not relations
  LockingClause: (node, walk) => {
    if (Array.isArray(node.lockedRels)) walk.done.add(node.lockedRels)
  },
  MergeWhenClause: (node, walk) => {
    const verb = mergeVerbs[String(node.commandType)]
    if (verb !== undefined) walk.effects.verbs.add(verb)
    noteAssigned(node.targetList, walk)
  },
}

const mergeVerbs: { readonly [command: string]: string } = {
  CMD_INSERT: 'insert',
  CMD_UPDATE: 'update',
  CMD_DELETE: 'delete',
}

/** Members whose node the tree does not name the kind of. */
const memberNotes: { readonly [key: string]: Note } = {
  alias: noteAlias,
  funccall: noteCall,
  intoClause: noteInto,
  pubtable: notePublished,
  // of ALTER SYSTEM, ALTER ROLE and ALTER DATABASE
  setstmt: noteStoredSetting,
  returningClause: (_node, walk) => {
    walk.effects.aliases.add('old').add('new')
  },
  onConflictClause: (node, walk) => {
    if (node.action === 'ONCONFLICT_UPDATE') walk.effects.verbs.add('update')
    noteAssigned(node.targetList, walk)
  },
}

function noteOf(kind: string | null, node: Node, key: string): Note | null {
  if (kind === null) return 'relname' in node ? noteRangeVar : (memberNotes[key] ?? null)
  if (Object.hasOwn(notes, kind)) return notes[kind] ?? null
  if (Object.hasOwn(statementKinds, kind)) return noteStatement(kind)
  return kind.endsWith('Stmt') ? noteStrange : null
}
