import type { CredentialName } from '../contract/ids.ts'
import type { FactView } from './facts.ts'
import type { Key, Requirement } from './requirements.ts'

/** Finds the rules that may match an action without trying the others. */
export interface RuleIndex {
  /**
   * Numbers of the rules that may match, ascending. A rule that is left out is false of the action for certain; a
   * fact that cannot be read leaves none out.
   */
  candidates(facts: FactView, credential: CredentialName | null): Iterable<number>
}

/** Rules by the texts of one kind of test. */
type Table = Map<string, number[]>

/** Rules found through one fact. */
interface FactTables {
  readonly fact: string
  readonly is: Table
  readonly has: Table
  readonly starts: LengthTables
  readonly ends: LengthTables
  /** All of them: tried when the fact cannot be read. */
  readonly all: number[]
}

/** Texts by their length: one look-up per length answers "which of them does this start with". */
type LengthTables = Map<number, Table>

/** Builds the index; `requirements[i]` are those of rule i, any one of them rules it out. */
export function indexRules(requirements: readonly (readonly Requirement[])[]): RuleIndex {
  const counts = countKeys(requirements)
  const always: number[] = []
  const tables = new Map<string, FactTables>()
  requirements.forEach((alternatives, rule) => {
    const best = cheapest(alternatives, counts)
    if (best === undefined) always.push(rule)
    else for (const key of best) enter(tables, key, rule)
  })
  const facts = [...tables.values()]
  return {
    candidates: (view, credential) => merge([always, ...facts.flatMap((each) => found(each, view, credential))]),
  }
}

/** How many rules would be found through each key. */
function countKeys(requirements: readonly (readonly Requirement[])[]): Map<string, number> {
  const counts = new Map<string, number>()
  for (const key of requirements.flat(2)) counts.set(keyText(key), (counts.get(keyText(key)) ?? 0) + 1)
  return counts
}

function keyText({ fact, test, text }: Key): string {
  return `${fact} ${test} ${text}`
}

/** The requirement whose keys lead to the fewest rules. */
function cheapest(alternatives: readonly Requirement[], counts: Map<string, number>): Requirement | undefined {
  const costs = alternatives.map((keys) => keys.reduce((sum, key) => sum + (counts.get(keyText(key)) ?? 0), 0))
  return alternatives[costs.indexOf(Math.min(...costs))]
}

function enter(tables: Map<string, FactTables>, { fact, test, text }: Key, rule: number): void {
  const found = tables.get(fact) ?? emptyTables(fact)
  tables.set(fact, found)
  if (found.all.at(-1) !== rule) found.all.push(rule)
  const table = test === 'is' || test === 'has' ? found[test] : lengthTable(found[test], text.length)
  const rules = table.get(text) ?? []
  if (rules.at(-1) !== rule) rules.push(rule)
  table.set(text, rules)
}

function emptyTables(fact: string): FactTables {
  return { fact, is: new Map(), has: new Map(), starts: new Map(), ends: new Map(), all: [] }
}

function lengthTable(tables: LengthTables, length: number): Table {
  const table = tables.get(length) ?? new Map<string, number[]>()
  tables.set(length, table)
  return table
}

function found(tables: FactTables, view: FactView, credential: CredentialName | null): number[][] {
  if (tables.fact === credentialFact) return lists(tables.is.get(credential ?? noCredential))
  const value = view.peek(tables.fact)
  if (typeof value === 'string') return textLists(tables, value)
  if (typeof value === 'bigint') return lists(tables.is.get(String(value)))
  if (Array.isArray(value)) return value.flatMap((item) => lists(tables.has.get(item)))
  if (value instanceof Map) return [...value.keys()].flatMap((key) => lists(tables.has.get(key)))
  if (typeof value === 'object' && value !== null)
    return Object.keys(value).flatMap((key) => lists(tables.has.get(key)))
  return [tables.all]
}

/** The dispatching credential, indexed like a fact. */
export const credentialFact = 'credential'
/** No name is empty. */
const noCredential = ''

function lists(list: number[] | undefined): number[][] {
  return list === undefined ? [] : [list]
}

function textLists({ is, starts, ends }: FactTables, value: string): number[][] {
  const result = lists(is.get(value))
  for (const [length, table] of starts) {
    const list = length <= value.length ? table.get(value.slice(0, length)) : undefined
    if (list !== undefined) result.push(list)
  }
  for (const [length, table] of ends) {
    const list = length <= value.length ? table.get(value.slice(value.length - length)) : undefined
    if (list !== undefined) result.push(list)
  }
  return result
}

/** Ascending numbers of ascending lists, each once; lazily, since an early rule often decides. */
function* merge(all: readonly (readonly number[])[]): Iterable<number> {
  const heads = all.filter((list) => list.length > 0).map((list) => ({ list, at: 0 }))
  for (;;) {
    let least = Number.POSITIVE_INFINITY
    for (const { list, at } of heads) least = Math.min(least, list[at] ?? Number.POSITIVE_INFINITY)
    if (least === Number.POSITIVE_INFINITY) return
    yield least
    for (const head of heads) if (head.list[head.at] === least) head.at += 1
  }
}
