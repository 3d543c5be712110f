import type { Unknown } from '../../contract/action.ts'
import type { DescribedAction } from '../../contract/described.ts'
import type { Exchange } from '../../wire/http/exchange.ts'
import type { HttpFacts } from '../../wire/http/request-facts.ts'

/** What of a request is described besides its head. */
export interface RequestView {
  /** Requested host, with port where it is not the usual one. */
  readonly host: string
  readonly facts: HttpFacts
  readonly unknowns: readonly Unknown[]
}

/**
 * A request as it is kept, so that it can be judged again. A path or query that cannot be decoded is left out. `body`
 * is there only when there was none, empty: what there was of another one, the sample has. Nothing is masked yet.
 */
export function describeRequest(
  { head, body }: Pick<Exchange, 'head' | 'body'>,
  { host, facts, unknowns }: RequestView,
): DescribedAction {
  const isKnown = (path: string) => unknowns.length === 0 || !unknowns.some((unknown) => unknown.path === path)
  return {
    host,
    http: {
      method: head.method,
      ...(isKnown('http.path') ? { path: facts.path } : {}),
      ...(isKnown('http.query') ? { query: head.target.includes('?') ? facts.query : {} } : {}),
      headers: facts.headers,
      ...(body.isEmpty ? { body: '' } : {}),
    },
  }
}
