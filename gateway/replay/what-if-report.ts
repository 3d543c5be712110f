import type { ReplayableRow } from '../store/replayable.ts'
import type { Replayed } from './what-if-judge.ts'

/** What is or would be decided; passthrough: nobody looks into it. */
export type Decision = 'allow' | 'deny' | 'ask' | 'passthrough'

/** Actions of one device that two rules decide differently. */
export interface FlipGroup {
  readonly device: string | null
  readonly endpoint: string | null
  /** The rule that decided; null: none. */
  readonly was: string | null
  /** The rule that would decide. */
  readonly would: string | null
  count: number
  /** The first of them. */
  readonly example: { readonly id: string; readonly at: string; readonly title: string }
}

/** All flips of one kind. */
export interface Flips {
  readonly from: Decision
  readonly to: Decision
  readonly count: number
  /** Most actions first. */
  readonly groups: readonly FlipGroup[]
}

/** How many actions a reason holds for. */
export interface Because {
  readonly because: string
  readonly count: number
}

/** What came of replaying actions through another policy. */
export interface WhatIfReport {
  readonly actions: number
  /** Decided the same way. */
  readonly same: number
  /** What opens up first. */
  readonly flips: readonly Flips[]
  /** Cannot be told: why, most first. */
  readonly untold: readonly Because[]
  /** What they went to is not in the policy. */
  readonly gone: readonly Because[]
  /** No rule decided them: refused, relayed, without a secret. */
  readonly undecided: number
}

/** Groups and reasons kept apart; more are counted together. */
const mostGroups = 2000

/** The order flips are told in: what would open up comes first. */
const order: readonly string[] = [
  'deny passthrough',
  'deny allow',
  'ask passthrough',
  'ask allow',
  'allow passthrough',
  'deny ask',
  'allow deny',
  'ask deny',
  'allow ask',
]

/** Adds up what a replay finds, in bounded memory. */
export class WhatIfTally {
  readonly #groups = new Map<string, FlipGroup & { readonly from: Decision; readonly to: Decision }>()
  readonly #untold = new Map<string, number>()
  readonly #gone = new Map<string, number>()
  #actions = 0
  #same = 0
  #undecided = 0

  /** @param was null: no rule decided it */
  add(row: ReplayableRow, was: Decision | null, replayed: Replayed | null): void {
    this.#actions += 1
    if (was === null || replayed === null) this.#undecided += 1
    else if (replayed.kind === 'untold') count(this.#untold, replayed.because)
    else if (replayed.kind === 'gone') count(this.#gone, replayed.because)
    else if (replayed.verdict === was) this.#same += 1
    else this.#flip(row, was, replayed)
  }

  report(): WhatIfReport {
    const kinds = new Map<string, Flips & { readonly groups: FlipGroup[] }>()
    let total = 0
    for (const { from, to, ...group } of this.#groups.values()) {
      const kind = `${from} ${to}`
      const known = kinds.get(kind) ?? { from, to, count: 0, groups: [] }
      known.groups.push(group)
      kinds.set(kind, { ...known, count: known.count + group.count })
      total += group.count
    }
    const flips = [...kinds.entries()]
      .sort(([a], [b]) => order.indexOf(a) - order.indexOf(b))
      .map(([, flip]) => ({ ...flip, groups: flip.groups.sort((a, b) => b.count - a.count) }))
    return {
      actions: this.#actions,
      same: this.#same,
      flips: total === 0 ? [] : flips,
      untold: sorted(this.#untold),
      gone: sorted(this.#gone),
      undecided: this.#undecided,
    }
  }

  #flip(row: ReplayableRow, from: Decision, { verdict: to, rule }: Extract<Replayed, { kind: 'judged' }>): void {
    const isFull = this.#groups.size >= mostGroups
    const [device, endpoint, was, would] = isFull ? [null, null, null, null] : [row.node, row.endpoint, row.rule, rule]
    const key = JSON.stringify([from, to, device, endpoint, was, would])
    const known = this.#groups.get(key)
    if (known !== undefined) {
      known.count += 1
      return
    }
    const example = { id: row.id, at: new Date(row.openedAt).toISOString(), title: row.title }
    this.#groups.set(key, { from, to, device, endpoint, was, would, count: 1, example })
  }
}

function count(reasons: Map<string, number>, because: string): void {
  const key = reasons.has(because) || reasons.size < mostGroups ? because : 'other reasons'
  reasons.set(key, (reasons.get(key) ?? 0) + 1)
}

function sorted(reasons: ReadonlyMap<string, number>): readonly Because[] {
  return [...reasons].map(([because, found]) => ({ because, count: found })).sort((a, b) => b.count - a.count)
}
