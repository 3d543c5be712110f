import type { Unknown } from '../../contract/action.ts'
import { type AnalysedStatement, type EffectFact, effectFacts, type PathUse } from '../../contract/sql.ts'

/** Facts that may turn out not to be visible. */
export type Hidden = EffectFact

/** What everything inside one statement was seen to do; grows while its tree is walked. */
export interface Effects {
  readonly verbs: Set<string>
  readonly tables: Set<string>
  readonly targets: Set<string>
  readonly columns: Set<string>
  readonly functions: Set<string>
  /** Names a relation goes by; a column of that name is the whole row. */
  readonly aliases: Set<string>
  readonly hidden: Set<Hidden>
  /** Relations named without a schema, and those of them that are written. */
  readonly bareTables: Set<string>
  readonly bareTargets: Set<string>
  /** Schemas put into the search path. */
  readonly schemas: Set<string>
  /** It puts something into the search path that its text does not say. */
  hidesSchemas: boolean
  isWrite: boolean
  isUnqualified: boolean
  usesProgram: boolean
  /** It changes how later SQL text is read: nothing that follows can be relied on. */
  changesLexing: boolean
}

/** Nothing seen yet. */
export function newEffects(): Effects {
  return {
    verbs: new Set(),
    tables: new Set(),
    targets: new Set(),
    columns: new Set(),
    functions: new Set(),
    aliases: new Set(),
    hidden: new Set(),
    bareTables: new Set(),
    bareTargets: new Set(),
    schemas: new Set(),
    hidesSchemas: false,
    isWrite: false,
    isUnqualified: false,
    usesProgram: false,
    changesLexing: false,
  }
}

/** Notes that these facts are not all visible. */
export function hide(effects: Effects, ...facts: readonly Hidden[]): void {
  for (const fact of facts) effects.hidden.add(fact)
}

/** Notes that something runs with it that cannot be seen through. */
export function hideAll(effects: Effects): void {
  hide(effects, ...effectFacts)
}

const sets = [
  'verbs',
  'tables',
  'targets',
  'columns',
  'functions',
  'aliases',
  'bareTables',
  'bareTargets',
  'schemas',
] as const

/** Adds what another statement does, which runs with this one. */
export function include(effects: Effects, other: Effects): void {
  for (const set of sets) for (const name of other[set]) effects[set].add(name)
  for (const fact of other.hidden) effects.hidden.add(fact)
  effects.isWrite ||= other.isWrite
  effects.isUnqualified ||= other.isUnqualified
  effects.usesProgram ||= other.usesProgram
  effects.changesLexing ||= other.changesLexing
  effects.hidesSchemas ||= other.hidesSchemas
}

/**
 * The facts of one statement.
 * @param verb null: its kind is not one we know
 */
export function toFacts(effects: Effects, verb: string | null, text: string, count: number): AnalysedStatement {
  const hidden = new Set<Hidden | 'verb'>(effects.hidden)
  if (verb === null) hidden.add('verb').add('verbs')
  // what was seen to happen happens, whatever else is hidden
  if (effects.isWrite) hidden.delete('is_write')
  if (effects.isUnqualified) hidden.delete('is_unqualified')
  if (effects.usesProgram) hidden.delete('uses_program')
  for (const column of effects.columns) {
    if (!effects.aliases.has(column)) continue
    effects.columns.add('*')
    break
  }
  const path = pathUse(effects)
  const list = (fact: Hidden, names: Set<string>) => (hidden.has(fact) ? [] : [...names].sort())
  return {
    facts: {
      verb: verb ?? '',
      verbs: list('verbs', effects.verbs),
      tables: list('tables', effects.tables),
      target_tables: list('target_tables', effects.targets),
      columns: list('columns', effects.columns),
      functions: list('functions', effects.functions),
      statement: text,
      is_write: effects.isWrite,
      is_unqualified: effects.isUnqualified,
      uses_program: effects.usesProgram,
      statement_count: count,
    },
    unknowns: [...hidden].map((fact) => unparsed(fact)),
    ...(path === null ? {} : { path }),
  }
}

function pathUse({ bareTables, bareTargets, schemas, hidesSchemas, hidden }: Effects): PathUse | null {
  const puts = hidesSchemas || hidden.has('verbs') ? null : [...schemas]
  if (bareTables.size === 0 && puts?.length === 0) return null
  return { tables: [...bareTables], targets: [...bareTargets], puts }
}

/** The fact of that name as unknown. */
function unparsed(fact: string): Unknown {
  return { path: `sql.${fact}`, because: 'unparsed' }
}
