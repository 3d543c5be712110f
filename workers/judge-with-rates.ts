import { toFault } from './contract/errors.ts'
import type { FlowId } from './contract/ids.ts'
import type { Deny, FailsafeCause, Judgement } from './contract/verdict.ts'
import type { HostLink } from './host.ts'
import type { RuleSet } from './rules/compile.ts'
import { type Judgeable, judge, type RuledJudgement } from './rules/judge.ts'
import { rateKey } from './rules/rates.ts'

/** What the rules say, and how to tell the counters of `rate()` what became of the action: call it once, soon. */
export interface RatedJudgement {
  readonly judgement: Judgement
  readonly settle: (isAllowed: boolean) => void
}

const nothingToSettle = () => undefined

/** The part of the link to main that counters need. */
type CounterHost = Pick<HostLink, 'call' | 'settle'>

/**
 * Judges an action. Where a rule reaches `rate()` the endpoint's counters are read from main, which keeps them from
 * others until `settle`, and the action is judged again with what they say. Without an answer it is denied. Never
 * rejects.
 */
export function judgeWithRates(
  set: RuleSet,
  action: Judgeable,
  host: CounterHost,
  flow: FlowId,
): RatedJudgement | Promise<RatedJudgement> {
  const judgement = judge(set, action)
  if (judgement.rated.length === 0) return { judgement, settle: nothingToSettle }
  return judgeAgain(set, action, host, flow).catch((error: unknown) => unread(judgement, error))
}

async function judgeAgain(set: RuleSet, action: Judgeable, host: CounterHost, flow: FlowId): Promise<RatedJudgement> {
  const reading = await host.call('rates', flow, { counters: set.rates })
  const keys = set.rates.map(rateKey)
  const counts = new Map(keys.map((key, index) => [key, reading.counts[index] ?? -1]))
  const judgement = judge(set, { ...action, counts })
  // a rule on trial must not use up what an enforced one lets pass
  const isCounting = (key: string) => judgement.enforced.has(key) || !set.enforcedRates.has(key)
  const rated = new Set(judgement.rated.map(rateKey).filter(isCounting))
  return {
    judgement,
    settle: (isAllowed) =>
      host.settle(
        reading,
        keys.map((key) => isAllowed && rated.has(key)),
      ),
  }
}

/** What holds when the counters cannot be read: shadow rules alone deny nothing. */
function unread(first: RuledJudgement, error: unknown): RatedJudgement {
  const { verdict } = first
  const cause: FailsafeCause = toFault(error).code === 'CP_HOST_LOST' ? 'host_lost' : 'unevaluable'
  if (first.enforced.size === 0 || (verdict.kind === 'deny' && cause === 'unevaluable'))
    return { judgement: first, settle: nothingToSettle }
  const rule = verdict.decider.by === 'failsafe' ? verdict.decider.rule : null
  const reason = 'the counters of rate() could not be read; failing closed'
  const denied: Deny = { kind: 'deny', decider: { by: 'failsafe', cause, rule }, reason }
  return { judgement: { ...first, verdict: denied }, settle: nothingToSettle }
}
