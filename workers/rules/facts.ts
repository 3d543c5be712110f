import type { Action, ActionContext, Fact, Unknown } from '../contract/action.ts'
import type { FactSpec, Family } from '../contract/plugin.ts'
import type { Dialect } from './dialect.ts'
import { plainValue } from './plain-value.ts'

/** Thrown when a rule reads a fact that could not be determined. */
export class Undetermined extends Error {}

/** Makes what stands behind one family's variable while an action is judged. */
export type ViewClass = new (reader: Reader) => object

/** Values of one family's facts, each read from the decoder at most once. */
interface Reader {
  read(index: number): unknown
}

/** Why a fact cannot be read; pending: not yet. */
export type Because = Unknown['because'] | 'pending'

/** What a condition is run on. */
export type Variables = { readonly [name: string]: object | string }

/** An action as its conditions need it. */
export type Viewed = Pick<Action, 'facts' | 'unknowns'> & {
  readonly context: ActionContext
  readonly pending?: readonly string[]
}

/** The facts of one action as conditions see them. */
export interface FactView {
  /** CEL variables by name. */
  readonly variables: Variables
  /** Why unknown facts were unknown that have been read since it was last emptied. */
  readonly touched: Set<Because>
  /** Value of a fact, e.g. of `http.path`; undefined when it cannot be read. Does not touch. */
  peek(path: string): unknown
}

const undetermined = new Undetermined('the fact is unknown')

/** Wraps the facts of an action; nothing is read until a condition reads it. */
export function viewFacts(dialect: Dialect, action: Viewed): FactView {
  const touched = new Set<Because>()
  const reasons = unknownReasons(dialect, unreadable(action))
  const readers = dialect.families.map((family) => makeReader(family, action.facts[family.name], reasons, touched))
  const { profile, device, endpoint, nowMs } = action.context
  const variables: { [name: string]: object | string } = { profile, device, endpoint, now: new Date(nowMs) }
  dialect.families.forEach(({ name }, index) => {
    const View = dialect.views[index] as ViewClass
    variables[name] = new View(readers[index] as Reader)
  })
  return {
    variables,
    touched,
    peek(path) {
      const place = dialect.facts.get(path)
      if (place === undefined || reasons.has(path)) return undefined
      try {
        return readers[place.family]?.read(place.fact)
      } catch {
        return undefined
      }
    },
  }
}

const readerOf = Symbol('reader')

/** A class with one getter per fact of the family. */
export function viewClass(family: Family): ViewClass {
  class View {
    readonly [readerOf]: Reader
    constructor(reader: Reader) {
      this[readerOf] = reader
    }
  }
  family.facts.forEach(({ name }, index) => {
    Object.defineProperty(View.prototype, name, {
      get(this: View) {
        return this[readerOf].read(index)
      },
    })
  })
  return View
}

type Slot = { readonly value: unknown } | { readonly error: unknown }

function makeReader(
  family: Family,
  source: object | undefined,
  reasons: ReadonlyMap<string, ReadonlySet<Because>>,
  touched: Set<Because>,
): Reader {
  const slots: (Slot | undefined)[] = []
  return {
    read(index) {
      const fact = family.facts[index] as FactSpec
      const why = reasons.size === 0 ? undefined : reasons.get(`${family.name}.${fact.name}`)
      if (why !== undefined) {
        for (const each of why) touched.add(each)
        throw undetermined
      }
      slots[index] ??= readSlot(fact, source)
      const slot = slots[index]
      if ('error' in slot) throw slot.error
      return slot.value
    },
  }
}

function readSlot({ name, type }: FactSpec, source: object | undefined): Slot {
  try {
    if (source === undefined) throw new Error('the action has no facts of this family')
    return { value: plainValue((source as { readonly [name: string]: Fact | undefined })[name], type) }
  } catch (error) {
    return { error }
  }
}

/** A fact that cannot be read, and why. */
interface Unreadable {
  readonly path: string
  readonly because: Because
}

function unreadable({ unknowns, pending = [] }: Viewed): readonly Unreadable[] {
  return pending.length === 0
    ? unknowns
    : [...unknowns, ...pending.map((path) => ({ path, because: 'pending' as const }))]
}

const allKnown: ReadonlyMap<string, ReadonlySet<Because>> = new Map()

/** Which facts are unknown, and why. A path that names no fact makes every fact unknown: a slip must not open a gate. */
function unknownReasons(dialect: Dialect, unknowns: readonly Unreadable[]): ReadonlyMap<string, ReadonlySet<Because>> {
  if (unknowns.length === 0) return allKnown
  const reasons = new Map<string, Set<Because>>()
  for (const { path, because } of unknowns) {
    const fact = path.split('.', 2).join('.')
    const paths = dialect.facts.has(fact)
      ? [fact]
      : [...dialect.facts.keys()].filter((each) => !isFamily(dialect, fact) || each.startsWith(`${fact}.`))
    for (const each of paths) {
      const known = reasons.get(each) ?? new Set()
      reasons.set(each, known.add(because))
    }
  }
  return reasons
}

function isFamily({ families }: Dialect, name: string): boolean {
  return families.some((family) => family.name === name)
}
