import { RE2JS } from 're2js'
import { spend } from './budget.ts'
import { isLinear } from './regex-states.ts'

/** A compiled pattern of RE2 syntax. */
export interface Pattern {
  readonly compiled: RE2JS
  /** What a character of a text costs at most, ns. */
  readonly characterNs: number
}

const longestPattern = 4096
const largestProgram = 4096
/** Measured: 9 to 20 ns where the automaton is there already, up to 42 ns per instruction where it is not. */
const linearNs = 15
const instructionNs = 30
const startNs = 2000
const mostKept = 1024

/** Patterns compiled while rules ran, oldest first; an agent may write such a pattern, so there is an end to it. */
const kept = new Map<string, Pattern>()

/**
 * Compiles the pattern of a rule, and where that is small its whole automaton, so that a text costs little.
 * @throws Error saying what is wrong with the pattern
 */
export function compilePattern(pattern: string): Pattern {
  const { compiled, size } = compile(pattern)
  return { compiled, characterNs: isLinear(compiled) ? linearNs : instructionNs * size }
}

/** The same for a pattern that an agent may have written: nothing is made beforehand. */
function compileForeign(pattern: string): Pattern {
  const { compiled, size } = compile(pattern)
  return { compiled, characterNs: instructionNs * size }
}

/** @throws Error saying what is wrong with the pattern */
export function checkPattern(pattern: string): void {
  compile(pattern)
}

function compile(pattern: string): { compiled: RE2JS; size: number } {
  if (pattern.length > longestPattern) throw new Error(`longer than ${longestPattern} characters`)
  const compiled = RE2JS.compile(pattern)
  const size = compiled.programSize()
  if (size > largestProgram) throw new Error('too large: use fewer or smaller repetitions')
  return { compiled, size }
}

/**
 * Whether the pattern occurs anywhere in the text.
 * @throws Error when the condition has no time left for it: about 300 kB are looked at in one evaluation
 */
export function occurs({ compiled, characterNs }: Pattern, text: string): boolean {
  spend(startNs + text.length * characterNs)
  return compiled.test(text)
}

/** The same for a pattern that is only known when the rule runs. */
export function matches(text: string, pattern: string): boolean {
  const known = kept.get(pattern)
  // what it takes does not depend on what was asked before
  spend(compileNs(pattern))
  if (known !== undefined) return occurs(known, text)
  const compiled = compileForeign(pattern)
  if (kept.size >= mostKept) kept.delete(kept.keys().next().value ?? '')
  kept.set(pattern, compiled)
  return occurs(compiled, text)
}

const perCharacterNs = 5000

/** Repetitions write out what they repeat; classes of letters are long, and longer without regard to case. */
function compileNs(pattern: string): number {
  let copies = 1
  for (const [, count] of pattern.matchAll(/\{(?:\d*,)?(\d+),?\}/g)) copies *= Math.max(1, Number(count))
  const isWide = /\\[pP]|\(\?[a-z]*i|\[\^/.test(pattern)
  return pattern.length * copies * perCharacterNs * (isWide ? 20 : 1)
}
