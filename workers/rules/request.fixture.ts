import type { ActionContext, Unknown } from '../contract/action.ts'
import type { CredentialName, RuleName } from '../contract/ids.ts'
import type { Rule } from '../contract/profile.ts'
import type { Judgeable } from './judge.ts'

/** What tests may set of a request. */
export interface RequestParts {
  readonly context?: Partial<ActionContext>
  readonly counts?: { readonly [key: string]: number }
  readonly facts?: { readonly [name: string]: unknown }
  readonly unknowns?: readonly Unknown[]
  readonly credential?: string | null
}

/** A `GET https://api.example.com/` with these facts instead. */
export function aRequest({ facts = {}, unknowns = [], credential = null, ...parts }: RequestParts = {}): Judgeable {
  const rest = { query: {}, headers: {}, body: '', body_json: {}, host: 'api.example.com', scheme: 'https' }
  return {
    facts: { http: { method: 'get', path: '/', ...rest, ...facts } },
    unknowns,
    credential: credential as CredentialName | null,
    context: aContext(parts.context),
    ...(parts.counts === undefined ? {} : { counts: new Map(Object.entries(parts.counts)) }),
  }
}

/** Where and when: on a Tuesday at 10:00 UTC. */
export function aContext(parts: Partial<ActionContext> = {}): ActionContext {
  const nowMs = Date.UTC(2026, 0, 13, 10)
  return { profile: 'agents', device: 'laptop', endpoint: 'api', nowMs, ...parts }
}

/** A request whose body was longer than the inspection buffer. */
export function truncated(facts: { readonly [name: string]: unknown } = {}): Judgeable {
  const unknowns = ['http.body', 'http.body_json'].map((path) => ({ path, because: 'truncated' }) as const)
  return aRequest({ facts, unknowns })
}

/** An allow rule, or with a reason a deny rule. */
export function aRule(
  name: string,
  when: string | null,
  rest: { reason?: string; credential?: string; mode?: Rule['mode'] } = {},
): Rule {
  const { reason, credential, mode = 'enforce' } = rest
  return {
    name: name as RuleName,
    priority: 0,
    when,
    credential: (credential ?? null) as CredentialName | null,
    outcome: reason === undefined ? { do: 'allow' } : { do: 'deny', reason },
    mode,
  }
}
