import type { Facts } from '../../workers/contract/action.ts'
import { type DescribedAction, masked } from '../../workers/contract/described.ts'

type Lists = { readonly [name: string]: readonly string[] }

/** The facts of a described action with every masked value out of reach: a rule that reads one cannot be evaluated. */
export function withoutMasked(facts: Facts, described: DescribedAction): Facts {
  return withoutMaskedHttp(withoutMaskedValues(facts, described), described)
}

function withoutMaskedValues(facts: Facts, { sql }: DescribedAction): Facts {
  let hiding = facts.sql
  for (const member of ['params', 'settings'] as const) {
    const given = sql?.[member] ?? {}
    const hidden = Object.keys(given).filter((name) => given[name] === masked)
    if (hidden.length === 0 || hiding === undefined) continue
    const all = (hiding as { readonly [name in typeof member]?: object })[member] ?? given
    hiding = { ...hiding, [member]: guarded(all, hidden) }
  }
  return hiding === undefined ? facts : { ...facts, sql: hiding }
}

function withoutMaskedHttp(facts: Facts, { http = {} }: DescribedAction): Facts {
  const members = (['headers', 'query'] as const).filter((member) => maskedNames(http[member]).length > 0)
  const source = facts.http
  if (members.length === 0 || source === undefined) return facts
  const proxy = new Proxy(source, {
    get(target, name) {
      // private members want the object itself
      const value: unknown = Reflect.get(target, name, target)
      if (!members.some((member) => member === name)) return value
      return guarded(value as Lists, maskedNames(value as Lists))
    },
  })
  return { ...facts, http: proxy }
}

function guarded(values: object, hidden: readonly string[]): object {
  const copy = { ...values }
  for (const name of hidden) {
    const get = (): never => {
      throw new Error('the value is masked')
    }
    Object.defineProperty(copy, name, { get, enumerable: true, configurable: true })
  }
  return copy
}

function maskedNames(lists: Lists = {}): readonly string[] {
  return Object.keys(lists).filter((name) => lists[name]?.includes(masked) === true)
}
