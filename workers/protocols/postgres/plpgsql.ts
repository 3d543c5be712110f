import { hideAll } from './effects.ts'
import { readFirstValues } from './first-values.ts'
import { readNestedText } from './nested-text.ts'
import { asList, asNode, type Node, nodesIn, textOf, unwrap } from './node.ts'
import { constantText } from './relations.ts'
import type { Walk } from './walk.ts'

/** How PL/pgSQL reads a piece of text; `RawParseMode` of PostgreSQL. */
const wholeStatement = 0
const expression = 2

/** Statements of PL/pgSQL whose texts all appear as expressions below them. */
const plainStatements = new Set(
  (
    'block assign if case loop while fori fors forc foreach_a exit return return_next return_query raise assert ' +
    'execsql dynexecute dynfors getdiag open fetch close perform call commit rollback'
  )
    .split(' ')
    .map((name) => `PLpgSQL_stmt_${name}`),
)

/** Texts that are computed and then run, by statement and member. */
const runTexts: { readonly [kind: string]: string } = {
  PLpgSQL_stmt_dynexecute: 'query',
  PLpgSQL_stmt_dynfors: 'query',
  PLpgSQL_stmt_return_query: 'dynquery',
  PLpgSQL_stmt_open: 'dynquery',
}

/** Adds what the PL/pgSQL body of a DO, CREATE FUNCTION or CREATE PROCEDURE statement does. */
export function readPlpgsql(code: string, walk: Walk): void {
  readFirstValues(code, walk)
  const parsed = asNode(walk.source.parser.parsePlpgsql(walk.text))
  const functions = asList(parsed?.plpgsql_funcs)
  if (functions.length !== 1) hideAll(walk.effects)
  for (const [kind, node] of nodesIn(functions.slice(0, 1))) noteStatement(kind, node, walk)
}

function noteStatement(kind: string, node: Node, walk: Walk): void {
  if (kind === 'PLpgSQL_expr') readExpression(node, walk)
  if (!kind.startsWith('PLpgSQL_stmt_')) return
  if (!plainStatements.has(kind)) hideAll(walk.effects)
  if (kind === 'PLpgSQL_stmt_commit') walk.effects.verbs.add('commit')
  if (kind === 'PLpgSQL_stmt_rollback') walk.effects.verbs.add('rollback')
  const run = node[runTexts[kind] ?? '']
  if (run !== undefined) readNestedText(constantOf(unwrap(run, 'PLpgSQL_expr')?.query, walk), walk)
}

function readExpression(node: Node, walk: Walk): void {
  const text = typeof node.query === 'string' ? node.query : null
  const mode = node.parseMode ?? wholeStatement
  if (text === null || mode === wholeStatement) readNestedText(text, walk)
  else if (mode === expression) readNestedText(asSelect(text), walk)
  else readAssignment(text, walk)
}

function readAssignment(text: string, walk: Walk): void {
  const sides = assignment(text, walk)
  readNestedText(sides === null ? null : asSelect(sides.value), walk)
  // an index is an expression too
  if (sides?.target.includes('[')) readNestedText(asSelect(sides.target), walk)
}

/** A line of its own: the text may end in a comment. */
function asSelect(expressionText: string): string {
  return `SELECT ${expressionText}\n`
}

/** The two sides of `target := value`; `=` says the same. */
function assignment(text: string, walk: Walk): { readonly target: string; readonly value: string } | null {
  const bytes = Buffer.from(text, 'utf8')
  let depth = 0
  for (const token of walk.source.parser.scan(text) ?? []) {
    if (token.text === '[' || token.text === '(') depth++
    else if (token.text === ']' || token.text === ')') depth--
    else if (depth === 0 && (token.text === ':=' || token.text === '=')) {
      return { target: bytes.toString('utf8', 0, token.start), value: bytes.toString('utf8', token.end) }
    }
  }
  return null
}

/** The text of an expression that is nothing but a string constant. */
function constantOf(text: unknown, walk: Walk): string | null {
  if (typeof text !== 'string') return null
  const parsed = walk.source.parser.parse(asSelect(text))
  const select = unwrap(parsed?.length === 1 ? parsed[0]?.tree : null, 'SelectStmt')
  const targets = asList(select?.targetList)
  if (select === null || targets.length !== 1 || select.fromClause !== undefined) return null
  const value = unwrap(targets[0], 'ResTarget')?.val
  return constantText(value) ?? textOf(value)
}
