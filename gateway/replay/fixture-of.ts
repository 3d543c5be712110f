import type { DescribedAction } from '../../workers/contract/described.ts'
import { ClawError } from '../../workers/contract/errors.ts'
import type { ReplayableRow } from '../store/replayable.ts'
import { describedAction } from './recorded.ts'

/** A fixture of `clawpatrol test`: an action and what is to come of it. */
export interface RecordedFixture {
  readonly match: {
    readonly verdict: 'allow' | 'deny' | 'approve'
    /** Empty: no rule. */
    readonly rule: string
    readonly endpoint: string
    readonly reason?: string
  }
  readonly action: DescribedAction
}

/** What was decided of a recorded action by rules; null: something else denied it, whatever rules said. */
export function recordedVerdict(
  row: Pick<ReplayableRow, 'verdict' | 'decidedBy' | 'cause'>,
): RecordedFixture['match']['verdict'] | null {
  if (row.verdict === 'ask' || row.cause === 'approval_unavailable') return 'approve'
  if (row.decidedBy === 'failsafe' && row.cause !== 'unevaluable') return null
  return row.verdict
}

/**
 * Makes a fixture of a recorded action, with masked values as they are.
 * @throws ClawError CP_CONFIG when the record cannot become one
 */
export function fixtureOf(row: ReplayableRow): RecordedFixture {
  const refuse = (why: string) => new ClawError('CP_CONFIG', `Cannot make a fixture of action ${row.id}: ${why}`)
  if (row.endpoint === null) throw refuse('it has no endpoint')
  const verdict = recordedVerdict(row)
  if (verdict === null) throw refuse(`no rule decided it, but ${row.cause ?? 'the gateway'}`)
  const described = describedAction(row)
  if (described === null) throw refuse('the record does not hold what it was')
  return {
    match: {
      verdict,
      rule: row.rule ?? '',
      endpoint: `${row.protocol}.${row.endpoint}`,
      ...(row.reason === null || verdict === 'approve' ? {} : { reason: row.reason }),
    },
    action: described.action,
  }
}
