import type { RE2JS } from 're2js'

/** States of an automaton that are made beforehand, and steps between them. */
const mostStates = 256
const mostSteps = 4096

interface State {
  readonly nfaStates: readonly number[]
}

/** The part of re2js's automaton that is looked at; it declares none of it. */
interface Automaton {
  readonly failed: boolean
  readonly numClasses: number
  readonly classBounds: ArrayLike<number>
  readonly startStates: Map<number, State>
  readonly prog: { readonly start: number }
  makeState(instructions: readonly number[], flags: number, ids: readonly number[]): State | null
  step(state: State, kind: number, character: number, anchor: number): State | null
}

interface Engine {
  readonly dfa: Automaton
  readonly onepass: object | null
}

const unanchored = 0
const endOfText = -1
/** Begin of the text and of a line. */
const beginOfText = 5

/**
 * Makes the whole automaton of a pattern, if it is small: then every text takes time by its length alone. `false`:
 * it is not small, or re2js is not what it was.
 */
export function isLinear(compiled: RE2JS): boolean {
  try {
    const { dfa, onepass } = (compiled as unknown as { re2(): Engine }).re2()
    // it goes another way through these
    if (onepass !== null) return false
    return !dfa.failed && isSmall(dfa, startOf(compiled, dfa))
  } catch {
    return false
  }
}

/** The states in which a text begins, made by beginning one, or by hand where a filter spares the automaton that. */
function startOf(compiled: RE2JS, dfa: Automaton): readonly State[] {
  compiled.test('')
  const first = dfa.startStates.size > 0 ? null : dfa.makeState([dfa.prog.start], beginOfText, [])
  if (first !== null) dfa.startStates.set(beginOfText, first)
  return [...dfa.startStates.values()]
}

function isSmall(dfa: Automaton, start: readonly State[]): boolean {
  if (start.length === 0) return false
  const known = new Set(start)
  let steps = 0
  for (const state of known) {
    for (let kind = 0; kind <= dfa.numClasses; kind += 1) {
      steps += 1
      const character = kind === dfa.numClasses ? endOfText : kind === 0 ? 0 : (dfa.classBounds[kind - 1] ?? 0)
      const next = dfa.step(state, kind, character, unanchored)
      if (next === null || steps > mostSteps) return false
      // nothing comes after the end
      if (character !== endOfText) known.add(next)
      if (known.size > mostStates) return false
    }
  }
  return true
}
