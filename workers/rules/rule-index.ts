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
    candidates(view, credential) {
      const heads: Heads = always.length === 0 ? [] : [always]
      for (const each of facts) find(each, view, credential, heads)
      const [only, ...others] = heads
      return others.length === 0 ? (only ?? nothing) : merge(heads)
    },
  }
}

const nothing: readonly number[] = []

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

/** Adds the lists of rules the action may match to `heads`. */
function find(tables: FactTables, view: FactView, credential: CredentialName | null, heads: Heads): void {
  if (tables.fact === credentialFact) {
    add(heads, tables.is.get(credential ?? noCredential))
    return
  }
  const value = view.peek(tables.fact)
  if (typeof value === 'string') findText(tables, value, heads)
  else if (typeof value === 'bigint') add(heads, tables.is.get(String(value)))
  else if (typeof value !== 'object' || value === null) add(heads, tables.all)
  else for (const member of membersOf(value)) add(heads, tables.has.get(member))
}

/** What `in` finds in a list or a map, each once. */
function membersOf(value: object): Iterable<string> {
  if (Array.isArray(value)) return new Set<string>(value)
  return value instanceof Map ? value.keys() : Object.keys(value)
}

/** Ascending lists of rules, none of them empty. */
type Heads = (readonly number[])[]

function add(heads: Heads, list: readonly number[] | undefined): void {
  if (list !== undefined) heads.push(list)
}

/** The dispatching credential, indexed like a fact. */
export const credentialFact = 'credential'
/** No name is empty. */
const noCredential = ''

function findText({ is, starts, ends }: FactTables, value: string, heads: Heads): void {
  add(heads, is.get(value))
  for (const [length, table] of starts) if (length <= value.length) add(heads, table.get(value.slice(0, length)))
  for (const [length, table] of ends)
    if (length <= value.length) add(heads, table.get(value.slice(value.length - length)))
}

/** Above it all numbers are sorted: an agent may send as many headers as rules ask for. */
const mostHeads = 16

/** Ascending numbers of ascending lists, each once; lazily, since an early rule often decides. */
function* merge(all: Heads): Iterable<number> {
  if (all.length > mostHeads) {
    yield* new Set(all.flat().sort((a, b) => a - b))
    return
  }
  const heads = all.map((list) => ({ list, at: 0 }))
  for (;;) {
    let least = Number.POSITIVE_INFINITY
    for (const { list, at } of heads) least = Math.min(least, list[at] ?? Number.POSITIVE_INFINITY)
    if (least === Number.POSITIVE_INFINITY) return
    yield least
    for (const head of heads) if (head.list[head.at] === least) head.at += 1
  }
}
