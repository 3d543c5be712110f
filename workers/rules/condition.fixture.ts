import { http } from '../contract/families/http.ts'
import type { Family } from '../contract/plugin.ts'
import { dialectOf } from './dialect.ts'
import { compileCondition, evaluate, type Truth } from './evaluate.ts'
import { viewFacts } from './facts.ts'
import type { Judgeable } from './judge.ts'
import { aRequest } from './request.fixture.ts'

const families: readonly Family[] = [http]

/** What a condition says of a request. */
export function truthOf(condition: string, request: Judgeable = aRequest()): Truth {
  const dialect = dialectOf(families)
  return evaluate(compileCondition(condition, dialect), viewFacts(dialect, request))
}
