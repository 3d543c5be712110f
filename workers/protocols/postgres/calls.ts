import { hide } from './effects.ts'
import { functionEffect } from './function-effects.ts'
import { readNestedText } from './nested-text.ts'
import { asList, asNode, type Node, nameParts, unwrap } from './node.ts'
import { constantText, noteNamedRelation } from './relations.ts'
import { notePath, schemasOf, setsPath } from './search-path.ts'
import { isLexingChange } from './settings.ts'
import { verbOfSetting } from './statement-kinds.ts'
import type { Walk } from './walk.ts'
import { type Running, whatRuns } from './what-runs.ts'

/** Notes a function call: its name, what it writes, and the SQL text it runs. */
export function noteCall(node: Node, walk: Walk): void {
  const parts = nameParts(node.funcname)
  if (parts === null) {
    hide(walk.effects, 'functions', 'is_write')
    return
  }
  noteFunctionName(parts, walk)
  const name = parts.at(-1) ?? ''
  switch (functionEffect(parts)) {
    case 'reads':
      break
    case 'writes':
      walk.effects.isWrite = true
      break
    case 'unknown':
      hide(walk.effects, 'is_write')
  }
  if (readsUnnamed.has(name)) hide(walk.effects, 'tables', 'columns')
  const args = argumentsOf(node)
  if (sequenceFunctions.has(name)) noteNamedRelation(args[0] ?? null, true, walk)
  if (name === 'set_config') noteSetting(args, walk)
  const running = whatRuns(name)
  if (running !== null) readRun(running, args, walk)
}

/** Notes an operator that is called by schema, and is not PostgreSQL's own: there is a function behind it. */
export function noteOperator(name: unknown, walk: Walk): void {
  const schema = nameParts(name)?.at(-2)
  if (schema !== undefined && schema !== 'pg_catalog') hide(walk.effects, 'is_write')
}

/** Notes a function's name in every form a rule may know it by. */
export function noteFunctionName(parts: readonly string[], walk: Walk): void {
  const name = parts.join('.').toLowerCase()
  walk.effects.functions.add(name)
  walk.effects.functions.add((parts.at(-1) ?? '').toLowerCase())
}

/** Functions whose first argument names a relation they change. */
const sequenceFunctions = new Set([
  'nextval',
  'setval',
  'brin_summarize_new_values',
  'brin_summarize_range',
  'brin_desummarize_range',
  'gin_clean_pending_list',
])

/** Functions that read stored data without naming the relation it is of: files, and the log of changes. */
const readsUnnamed = new Set([
  'pg_read_file',
  'pg_read_file_old',
  'pg_read_binary_file',
  'pg_file_read',
  'lo_import',
  'get_raw_page',
  'pg_logical_slot_get_binary_changes',
  'pg_logical_slot_get_changes',
  'pg_logical_slot_peek_binary_changes',
  'pg_logical_slot_peek_changes',
])

/** The arguments by position; of a call with names, which may stand in any order, only what is run. */
function argumentsOf(node: Node): readonly unknown[] {
  const args = asList(node.args)
  const named = args.map((argument) => unwrap(argument, 'NamedArgExpr')).filter((argument) => argument !== null)
  if (named.length === 0) return args
  return named.filter(({ name }) => name === 'query' || name === 'tbl').map(({ arg }) => arg)
}

function noteSetting(args: readonly unknown[], walk: Walk): void {
  const name = constantText(args[0])
  if (name === null) {
    walk.effects.changesLexing = true
    hide(walk.effects, 'verbs')
    return
  }
  const isLocal = asNode(asNode(asNode(args[2])?.A_Const)?.boolval)?.boolval === true
  walk.effects.verbs.add(verbOfSetting(name, isLocal))
  if (setsPath(name)) notePath(schemasOf(name, constantText(args[1])), walk.effects)
  if (isLexingChange(name, constantText(args[1]))) walk.effects.changesLexing = true
}

function readRun(running: Running, args: readonly unknown[], walk: Walk): void {
  switch (running.runs) {
    case 'text':
      for (const index of running.texts(args.filter((argument) => !isFlag(argument)).length)) {
        readNestedText(index < args.length ? constantText(args[index]) : null, walk)
      }
      return
    case 'relation':
      walk.effects.columns.add('*')
      noteNamedRelation(args[0] ?? null, false, walk)
      return
    case 'anything':
      readNestedText(null, walk)
      return
    default:
      running satisfies never
  }
}

/** Whether an argument is a plain true or false, as in `dblink(connection, text, false)`. */
function isFlag(argument: unknown): boolean {
  return asNode(asNode(argument)?.A_Const)?.boolval !== undefined
}
