import type { Facts } from '../../workers/contract/action.ts'
import { type DescribedAction, masked } from '../../workers/contract/described.ts'

type Lists = { readonly [name: string]: readonly string[] }

/** The facts of a described action with every masked value out of reach: a rule that reads one cannot be evaluated. */
export function withoutMasked(facts: Facts, { http = {} }: DescribedAction): Facts {
  const members = (['headers', 'query'] as const).filter((member) => maskedNames(http[member]).length > 0)
  const source = facts.http
  if (members.length === 0 || source === undefined) return facts
  const guarded = new Proxy(source, {
    get(target, name) {
      // private members want the object itself
      const value: unknown = Reflect.get(target, name, target)
      return members.some((member) => member === name) ? guardedLists(value as Lists) : value
    },
  })
  return { ...facts, http: guarded }
}

function guardedLists(lists: Lists): Lists {
  const guarded = { ...lists }
  for (const name of maskedNames(lists)) {
    const get = (): never => {
      throw new Error('the value is masked')
    }
    Object.defineProperty(guarded, name, { get, enumerable: true, configurable: true })
  }
  return guarded
}

function maskedNames(lists: Lists = {}): readonly string[] {
  return Object.keys(lists).filter((name) => lists[name]?.includes(masked) === true)
}
