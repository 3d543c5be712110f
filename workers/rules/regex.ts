import { RE2JS } from 're2js'
import { spend } from './budget.ts'

const longestPattern = 4096
const largestProgram = 4096
const mostKept = 2048

/** Patterns compiled while rules ran, oldest first; an agent may write such a pattern, so there is an end to it. */
const kept = new Map<string, RE2JS>()

/**
 * Compiles a pattern of RE2 syntax; time to match is linear in the text.
 * @throws Error saying what is wrong with the pattern
 */
export function compilePattern(pattern: string): RE2JS {
  if (pattern.length > longestPattern) throw new Error(`longer than ${longestPattern} characters`)
  const compiled = RE2JS.compile(pattern)
  if (compiled.programSize() > largestProgram) throw new Error('too large: fewer or smaller repetitions are needed')
  return compiled
}

/** Whether the pattern occurs anywhere in the text. */
export function occurs(pattern: RE2JS, text: string): boolean {
  // measured: about 15 ns per character and never more than the program is long
  spend(Math.ceil((text.length * Math.min(64, pattern.programSize())) / 1024))
  return pattern.test(text)
}

/** The same for a pattern that is only known when the rule runs. */
export function matches(text: string, pattern: string): boolean {
  let compiled = kept.get(pattern)
  if (compiled === undefined) {
    spend(1000)
    compiled = compilePattern(pattern)
    if (kept.size >= mostKept) kept.delete(kept.keys().next().value ?? '')
    kept.set(pattern, compiled)
  }
  return occurs(compiled, text)
}
