/**
 * What one evaluation may cost: nanoseconds of a slow core, by what was measured, never by the clock, so that the same
 * condition on the same action is always within it or never.
 */
const mostNs = 4_600_000

/** What the rules of one kind may cost on one action altogether, so that thousands of them cannot stop a thread. */
const purseNs = { enforce: 200_000_000, shadow: 50_000_000 } as const
/** What trying a rule costs, whatever it says. */
const ruleNs = 1000

/** What is left for the rules of one kind on one action. */
export interface Purse {
  leftNs: number
}

let left = mostNs

/** A full purse: shadow rules have their own, so that what they take is never missing elsewhere. */
export function openPurse(kind: keyof typeof purseNs): Purse {
  return { leftNs: purseNs[kind] }
}

/** One error for all: whoever catches it, `isOverspent` stays true. */
const overspent = new Error('the condition takes too long on this request')

/** Gives the next evaluation its time. Evaluations never overlap: they are synchronous. */
export function startBudget(purse: Purse | null = null): void {
  left = mostNs
  if (purse === null) return
  purse.leftNs -= ruleNs
  left = Math.min(mostNs, purse.leftNs)
}

/** Takes what the evaluation cost out of the purse. */
export function endBudget(purse: Purse): void {
  const given = Math.min(mostNs, purse.leftNs)
  purse.leftNs -= Math.max(0, given - left)
}

/** @throws Error once the evaluation has used up its time; call it before the work it is for */
export function spend(ns: number): void {
  left -= ns
  if (left < 0) throw overspent
}

/** Whether the evaluation was stopped, whatever its result. */
export function isOverspent(): boolean {
  return left < 0
}
