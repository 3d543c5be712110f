import { ClawError } from '../contract/errors.ts'
import { endBudget, isOverspent, type Purse, startBudget } from './budget.ts'
import type { Dialect } from './dialect.ts'
import { hardenTree } from './dynamic.ts'
import type { Because, FactView, Variables } from './facts.ts'
import { mistakesIn } from './mistakes.ts'
import { parseCondition } from './parse.ts'

/** A condition that can be run any number of times. */
export interface Program {
  readonly run: (variables: Variables) => unknown
}

/** Why a condition is neither true nor false of an action: in the words an agent may read. */
export type Unevaluable =
  | 'truncated at the inspection buffer'
  | 'unparseable'
  | 'truncated at the inspection buffer and unparseable'
  | 'evaluation error'
  | typeof notYet

/** It reads what is known only once the action runs. */
export const notYet = 'not known before it runs'

/** What a condition says of an action. */
export type Truth = boolean | Unevaluable

/**
 * Compiles a condition.
 * @throws ClawError CP_CONFIG for what `checkCondition` would have refused
 */
export function compileCondition(source: string, dialect: Dialect): Program {
  try {
    const parsed = parseCondition(source, dialect)
    const [mistake] = mistakesIn(parsed, source, dialect)
    if (mistake !== undefined) throw new Error(mistake.message)
    hardenTree(parsed.tree)
    return { run: parsed.run }
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new ClawError('CP_CONFIG', `Cannot compile a condition: ${why}`, { cause: error })
  }
}

/**
 * Runs a condition on the facts of an action. Unknown facts and errors spread through everything except what decides
 * without them: `false && unknown` is false, `true || unknown` is true, in either order.
 * @param purse what is left for all rules of its kind: where nothing is, nothing is tried
 */
export function evaluate(program: Program, facts: FactView, purse: Purse | null = null): Truth {
  facts.touched.clear()
  startBudget(purse)
  if (isOverspent()) return 'evaluation error'
  const { stackTraceLimit } = Error
  // an agent may cause as many errors as a condition has parts: nobody reads where they were thrown
  Error.stackTraceLimit = 0
  try {
    const value = program.run(facts.variables)
    if (typeof value === 'boolean' && !isOverspent()) return value
  } catch {
    // neither true nor false; the cause is told below
  } finally {
    Error.stackTraceLimit = stackTraceLimit
    if (purse !== null) endBudget(purse)
  }
  return causeOf(facts.touched)
}

/** Why facts that are unknown for these reasons leave a condition open, in the words an agent may read. */
export function causeOf(touched: ReadonlySet<Because>): Unevaluable {
  if (touched.has('pending')) return notYet
  const truncated = touched.has('truncated')
  const unparsed = touched.has('unparsed') || touched.has('undecodable')
  if (truncated && unparsed) return 'truncated at the inspection buffer and unparseable'
  if (truncated) return 'truncated at the inspection buffer'
  return unparsed ? 'unparseable' : 'evaluation error'
}
