/**
 * What one evaluation may cost: nanoseconds of a slow core, by what was measured, never by the clock, so that the same
 * condition on the same action is always within it or never.
 */
const mostNs = 4_600_000

let left = mostNs

/** One error for all: whoever catches it, `isOverspent` stays true. */
const overspent = new Error('the condition takes too long on this request')

/** Gives the next evaluation its time. Evaluations never overlap: they are synchronous. */
export function startBudget(): void {
  left = mostNs
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
