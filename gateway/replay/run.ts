import type { Policy } from '../config/policy.ts'
import { type Fixture, type Match, readFixture } from './fixture.ts'
import { judgeDescribed, type Outcome } from './judge-described.ts'

/** A fixture file as it was read. */
export interface FixtureFile {
  readonly path: string
  /** Its text; or why there is none. */
  readonly content: string | Error
}

/** How one fixture went. */
export type FixtureResult =
  | { readonly kind: 'error'; readonly path: string; readonly problems: readonly string[] }
  | {
      readonly kind: 'ok' | 'mismatch'
      readonly path: string
      readonly want: Match
      readonly outcome: Outcome
    }

/** Judges fixtures and compares, in their order. */
export async function runFixtures(policy: Policy, files: readonly FixtureFile[]): Promise<readonly FixtureResult[]> {
  const results: FixtureResult[] = []
  for (const file of files) results.push(await runFixture(policy, file))
  return results
}

/** The side of a comparison that was got, or wanted. */
export interface Got {
  readonly verdict: Match['verdict']
  readonly rule: string
  readonly endpoint: string
}

/** The words of an outcome as fixtures write them. */
export function gotOf({ verdict, rule, endpoint }: Outcome): Got {
  return { verdict: verdict === 'ask' ? 'approve' : verdict, rule: rule ?? '', endpoint: endpoint ?? '' }
}

async function runFixture(policy: Policy, { path, content }: FixtureFile): Promise<FixtureResult> {
  if (typeof content !== 'string') return { kind: 'error', path, problems: [content.message] }
  const read = readFixture(content)
  if ('problems' in read) return { kind: 'error', path, problems: read.problems }
  try {
    return await replay(policy, path, read.fixture)
  } catch (error) {
    return { kind: 'error', path, problems: [error instanceof Error ? error.message : String(error)] }
  }
}

async function replay(policy: Policy, path: string, { match: want, action }: Fixture): Promise<FixtureResult> {
  const pin = want.endpoint === undefined || want.endpoint === '' ? null : { endpoint: want.endpoint }
  const outcome = await judgeDescribed(policy, action, pin)
  const isUnclaimed = want.verdict === 'passthrough' || (want.verdict === 'deny' && (want.rule ?? '') === '')
  if (outcome.endpoint === null && !isUnclaimed)
    return { kind: 'error', path, problems: [`action.host: no endpoint claims ${JSON.stringify(action.host)}`] }
  const got = gotOf(outcome)
  const isSame =
    got.verdict === want.verdict && got.rule === (want.rule ?? '') && (pin === null || got.endpoint === pin.endpoint)
  return { kind: isSame ? 'ok' : 'mismatch', path, want, outcome }
}
