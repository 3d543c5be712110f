import { RE2JS } from 're2js'
import { spend } from './budget.ts'

/** A compiled pattern of RE2 syntax. */
export interface Pattern {
  readonly compiled: RE2JS
  /** Instructions of its program. */
  readonly size: number
}

const longestPattern = 4096
const largestProgram = 4096
/** re2js took at most 14 ns per character and instruction: this makes a step 4 µs at worst, and 20 ns as a rule. */
const instructionsPerStep = 256
const stepsToCompile = 1000
const mostKept = 1024

/** Patterns compiled while rules ran, oldest first; an agent may write such a pattern, so there is an end to it. */
const kept = new Map<string, Pattern>()

/**
 * Compiles a pattern; the time it takes on a text is at most the length of the text times the size of its program.
 * @throws Error saying what is wrong with the pattern
 */
export function compilePattern(pattern: string): Pattern {
  if (pattern.length > longestPattern) throw new Error(`longer than ${longestPattern} characters`)
  const compiled = RE2JS.compile(pattern)
  const size = compiled.programSize()
  if (size > largestProgram) throw new Error('too large: use fewer or smaller repetitions')
  return { compiled, size }
}

/**
 * Whether the pattern occurs anywhere in the text.
 * @throws Error when the condition has no time left for it: 1 MiB takes up to 128 instructions
 */
export function occurs({ compiled, size }: Pattern, text: string): boolean {
  spend(Math.ceil((text.length * size) / instructionsPerStep))
  return compiled.test(text)
}

/** The same for a pattern that is only known when the rule runs. */
export function matches(text: string, pattern: string): boolean {
  const known = kept.get(pattern)
  if (known !== undefined) return occurs(known, text)
  spend(stepsToCompile)
  const compiled = compilePattern(pattern)
  if (kept.size >= mostKept) kept.delete(kept.keys().next().value ?? '')
  kept.set(pattern, compiled)
  return occurs(compiled, text)
}
