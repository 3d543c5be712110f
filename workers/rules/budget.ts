/** Steps one condition may take: loop iterations, list elements compared, pattern instructions by the hundred. */
const mostSteps = 524_288

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
