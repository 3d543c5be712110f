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
      /** Its parts are for the observer only: those of 10,000 fixtures take 100 MB. */
      readonly outcome: Omit<Outcome, 'parts'>
    }

/** Told of everything that was judged. */
export type Observer = (path: string, outcome: Outcome) => void

/** Judges fixtures and compares, in their order. */
export async function runFixtures(
  policy: Policy,
  files: readonly FixtureFile[],
  observe: Observer = () => {},
): Promise<readonly FixtureResult[]> {
  const results: FixtureResult[] = []
  for (const file of files) results.push(await runFixture(policy, file, observe))
  return results
}

/** The side of a comparison that was got, or wanted. */
export interface Got {
  readonly verdict: Match['verdict']
  readonly rule: string
  readonly endpoint: string
}

/** The words of an outcome as fixtures write them. */
export function gotOf({ verdict, rule, endpoint }: Omit<Outcome, 'parts'>): Got {
  return { verdict: verdict === 'ask' ? 'approve' : verdict, rule: rule ?? '', endpoint: endpoint ?? '' }
}

async function runFixture(policy: Policy, { path, content }: FixtureFile, observe: Observer): Promise<FixtureResult> {
  if (typeof content !== 'string') return { kind: 'error', path, problems: [content.message] }
  const read = readFixture(content)
  if ('problems' in read) return { kind: 'error', path, problems: read.problems }
  try {
    const { match, action } = read.fixture
    const pin = match.endpoint === undefined || match.endpoint === '' ? null : { endpoint: match.endpoint }
    const outcome = await judgeDescribed(policy, action, pin)
    observe(path, outcome)
    return compare(path, read.fixture, outcome)
  } catch (error) {
    return { kind: 'error', path, problems: [error instanceof Error ? error.message : String(error)] }
  }
}

function compare(path: string, { match: want, action }: Fixture, { parts: _, ...outcome }: Outcome): FixtureResult {
  const isUnclaimed = want.verdict === 'passthrough' || (want.verdict === 'deny' && (want.rule ?? '') === '')
  if (outcome.endpoint === null && !isUnclaimed)
    return { kind: 'error', path, problems: [`action.host: no endpoint claims ${JSON.stringify(action.host)}`] }
  const got = gotOf(outcome)
  const isSame =
    got.verdict === want.verdict &&
    got.rule === (want.rule ?? '') &&
    ((want.endpoint ?? '') === '' || got.endpoint === want.endpoint)
  return { kind: isSame ? 'ok' : 'mismatch', path, want, outcome }
}
