import type { Fact } from '../../contract/action.ts'
import { type DescribedSql, isSensitive, looksSecret, masked } from '../../contract/described.ts'
import type { AnalysedStatement } from '../../contract/sql.ts'
import type { Params } from './params.ts'

type Facts = { readonly [name: string]: Fact }

const nothing: Facts = {}

/**
 * The facts a record shows of the parameters of a statement: their number and which are NULL; their values where the
 * policy wants them recorded, unless they look like secrets or the statement has to do with columns that are called so.
 */
export function recordedParams(statement: AnalysedStatement, params: Params, isRecorded: boolean): Facts {
  if (params.kind === 'pending' || params.count === null || params.count === 0) return nothing
  const { count, nulls } = params
  const facts = nulls.length === 0 ? { param_count: count } : { param_count: count, null_params: nulls }
  const isShown = isRecorded && params.kind === 'known' && !namesSecrets(statement)
  return isShown ? { ...facts, params: shownValues(params.values, true) } : facts
}

/** The same of how it is described, to be judged again: what is not shown is masked. */
export function describedParams(
  statement: AnalysedStatement,
  params: Params,
  isRecorded: boolean,
): Pick<DescribedSql, 'params' | 'prepare'> {
  if (params.kind === 'pending') return { prepare: true }
  if (params.kind === 'unknown' || params.count === 0) return {}
  return { params: shownValues(params.values, isRecorded && !namesSecrets(statement)) }
}

function shownValues(values: Readonly<Record<string, string>>, isShown: boolean): Record<string, string> {
  const shown: Record<string, string> = {}
  for (const name in values) {
    const value = values[name] ?? ''
    shown[name] = isShown && !looksSecret(value) ? value : masked
  }
  return shown
}

function namesSecrets({ facts, unknowns }: AnalysedStatement): boolean {
  return facts.columns.some(isSensitive) || unknowns.some(({ path }) => path === 'sql.columns')
}
