import type { Family } from '../contract/plugin.ts'
import { type Dialect, dialectOf } from './dialect.ts'
import { type Mistake, mistakeOf, mistakesIn } from './mistakes.ts'
import { parseCondition } from './parse.ts'

/** What is wrong with a condition; offsets count UTF-16 units, line and column from 1. */
export interface ConditionProblem extends Mistake {
  readonly line: number
  readonly column: number
}

/** Results by text: a reload checks mostly conditions that have been checked before. */
const checked = new WeakMap<Dialect, Map<string, readonly ConditionProblem[]>>()
const mostChecked = 20_000

/** Finds what is wrong with a condition over these families; empty = it will compile. */
export function checkCondition(source: string, families: readonly Family[]): readonly ConditionProblem[] {
  const dialect = dialectOf(families)
  const known = checked.get(dialect) ?? new Map<string, readonly ConditionProblem[]>()
  checked.set(dialect, known)
  const found = known.get(source) ?? problemsOf(source, dialect)
  if (known.size >= mostChecked) known.clear()
  known.set(source, found)
  return found
}

function problemsOf(source: string, dialect: Dialect): readonly ConditionProblem[] {
  try {
    return mistakesIn(parseCondition(source, dialect), source, dialect).map((mistake) => placed(mistake, source))
  } catch (error) {
    return [placed(mistakeOf(error, source, dialect), source)]
  }
}

function placed(mistake: Mistake, source: string): ConditionProblem {
  const before = source.slice(0, mistake.start)
  const lineStart = before.lastIndexOf('\n') + 1
  return { ...mistake, line: before.split('\n').length, column: mistake.start - lineStart + 1 }
}
