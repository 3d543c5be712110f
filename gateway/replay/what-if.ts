import { protocolNamed } from '../../workers/protocols/index.ts'
import { compileRules } from '../../workers/rules/compile.ts'
import type { Policy } from '../config/policy.ts'
import type { Database } from '../store/database.ts'
import { type ReplayRange, replayableOf } from '../store/replayable.ts'
import { recordedVerdict } from './fixture-of.ts'
import { Replay } from './what-if-judge.ts'
import { type WhatIfReport, WhatIfTally } from './what-if-report.ts'

/** Which actions to replay. */
export interface WhatIfOptions extends ReplayRange {
  /** The newest so many of them; null: all. */
  readonly limit: number | null
  /** Told now and then how many actions are behind it. */
  readonly onProgress?: (done: number, all: number) => void
}

/** Actions between two words of progress. */
const progressEvery = 1000

/** Replays recorded actions through a policy and compares what it says with what was decided. */
export async function whatIf(database: Database, policy: Policy, options: WhatIfOptions): Promise<WhatIfReport> {
  const replayable = replayableOf(database)
  const { until, limit } = options
  const since = limit === null ? options.since : Math.max(options.since, replayable.sinceOf(options, limit))
  const all = replayable.count({ since, until })
  const replay = new Replay(policy)
  const tally = new WhatIfTally()
  // counters are full of what was before
  const from = since - longestWindow(policy)
  let done = 0
  for (const rows of replayable.pages({ since: from, until })) {
    for (const row of rows) {
      const recorded = recordedVerdict(row)
      const was = recorded === 'approve' ? 'ask' : recorded
      const replayed = was === null || row.endpoint === null ? null : await replay.judge(row)
      if (row.openedAt < since) continue
      tally.add(row, was, replayed)
      done += 1
      if (done % progressEvery === 0) options.onProgress?.(done, all)
    }
  }
  return tally.report()
}

/** Longest window any rule counts in, ms; 0: none counts. */
function longestWindow({ profiles }: Policy): number {
  let longest = 0
  for (const profile of profiles.values())
    for (const { rules, protocol, unmatched } of profile.endpoints) {
      if (!rules.some(({ when }) => when?.includes('rate') === true)) continue
      const { rates } = compileRules(rules, protocolNamed(protocol)?.families ?? [], unmatched)
      for (const { windowMs } of rates) longest = Math.max(longest, windowMs)
    }
  return longest
}
