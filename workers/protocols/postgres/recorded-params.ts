import type { Fact } from '../../contract/action.ts'
import { type DescribedSql, isSensitive, looksSecret, masked } from '../../contract/described.ts'
import type { AnalysedStatement } from '../../contract/sql.ts'
import type { Params } from './params.ts'

/** What a record holds of the parameters of a statement. */
export interface RecordedParams {
  readonly facts: { readonly [name: string]: Fact }
  readonly described: Pick<DescribedSql, 'params' | 'prepare'>
}

const nothing: RecordedParams = { facts: {}, described: {} }

/**
 * Their number and which are NULL; their values where the policy wants them recorded, unless they look like secrets or
 * the statement has to do with columns that are called so.
 */
export function recordedParams(statement: AnalysedStatement, params: Params, isRecorded: boolean): RecordedParams {
  if (params.kind === 'pending') return { facts: {}, described: { prepare: true } }
  const { count, nulls } = params
  if (count === null || count === 0) return nothing
  const facts = { param_count: count, ...(nulls.length === 0 ? {} : { null_params: nulls }) }
  if (params.kind === 'unknown') return { facts, described: {} }
  const isShown = isRecorded && !namesSecrets(statement)
  const shown = Object.fromEntries(
    Object.entries(params.values).map(([name, value]) => [name, isShown && !looksSecret(value) ? value : masked]),
  )
  return { facts: isShown ? { ...facts, params: shown } : facts, described: { params: shown } }
}

function namesSecrets({ facts, unknowns }: AnalysedStatement): boolean {
  return facts.columns.some(isSensitive) || unknowns.some(({ path }) => path === 'sql.columns')
}
