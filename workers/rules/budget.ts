/** Steps one condition may take; one loop iteration, or comparing with one list element, is a step: about 0.5 s in all. */
const mostSteps = 500_000

let left = mostSteps

/** One error for all: whoever catches it, `isOverspent` stays true. */
const overspent = new Error('the condition takes too long on this request')

/** Gives the next evaluation its steps. Evaluations never overlap: they are synchronous. */
export function startBudget(): void {
  left = mostSteps
}

/** @throws Error once the evaluation has used up its steps */
export function spend(steps: number): void {
  left -= steps
  if (left < 0) throw overspent
}

/** Whether the evaluation was stopped, whatever its result. */
export function isOverspent(): boolean {
  return left < 0
}
